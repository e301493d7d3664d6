import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { packageRoot } from '../../src/package-root.ts';
import { testModel, testServer } from '../support/http-server.ts';
import { serveProcess } from '../support/serve-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { writeTinyBundle } from '../support/tiny-bundle.ts';

/** A Python that may have schemathesis. */
const python = process.env.MBTI_CLIENTS_PYTHON ?? 'python3';
const hasSchemathesis = spawnSync(python, ['-c', 'import schemathesis']).status === 0;
const MINUTES = 60_000;

const folder = temporaryFolder();
const config = join(packageRoot, 'tests/support/peers/schemathesis.toml');
const cli = 'import sys; from schemathesis.cli import schemathesis; sys.exit(schemathesis())';

/** Asks a server all that follows from its own document; what it printed and its exit code. */
function explore(url: string): Promise<{ readonly code: number | null; readonly output: string }> {
  const options = ['--max-examples', '60', '--seed', '17', '--request-timeout', '10'];
  const child = spawn(
    python,
    ['-c', cli, '--config-file', config, 'run', `${url}/openapi.json`, ...options],
    { cwd: folder.path, env: { ...process.env, NO_COLOR: '1' } },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (part: Buffer) => {
      output += part.toString();
    });
  }
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, output })));
}

describe('property-based tests from the OpenAPI document', () => {
  if (!hasSchemathesis) {
    it.skip(`need schemathesis for ${python} (MBTI_CLIENTS_PYTHON names another Python)`, () => {});
    return;
  }

  it(
    'find nothing in a server with a model',
    async () => {
      const bundle = join(folder.path, 'tiny');
      await writeTinyBundle(bundle);
      const { url } = await serveProcess('--model', bundle, '--workers', '1');
      const { code, output } = await explore(url);
      expect(code === 0 ? '' : output).toBe('');
      expect(output).toContain('Tested: ');
    },
    5 * MINUTES,
  );

  it(
    'find nothing where predictions are explained',
    async () => {
      const { url } = await testServer({ model: { ...testModel, explains: true } });
      const { code, output } = await explore(url);
      expect(code === 0 ? '' : output).toBe('');
      expect(output).toContain('Tested: ');
    },
    5 * MINUTES,
  );
});
