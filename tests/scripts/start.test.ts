import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { packageRoot } from '../../src/package-root.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = temporaryFolder();

/** A package whose built programs are stand-ins: training writes a manifest, serving says its pid. */
function packageWith(training: string | undefined) {
  const dir = mkdtempSync(join(folder.path, 'package-'));
  const name = dir.slice(folder.path.length + 1);
  folder.write(`${name}/package.json`, '{"type":"module"}');
  cpSync(join(packageRoot, 'scripts/start.mjs'), join(dir, 'scripts/start.mjs'));
  if (training !== undefined) {
    folder.write(`${name}/dist/training/bin/mbti-train.js`, training);
    folder.write(`${name}/dist/src/bin/mbti-serve.js`, `console.log('serving in', process.pid);`);
  }
  return dir;
}

function start(dir: string, onOutput?: (output: string, kill: () => void) => void) {
  const child = spawn(process.execPath, ['scripts/start.mjs'], {
    cwd: dir,
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (part: Buffer) => {
      output += part.toString();
      onOutput?.(output, () => child.kill('SIGTERM'));
    });
  }
  return new Promise<{ code: number | null; output: string; pid: number | undefined }>(
    (resolve) => {
      child.on('close', (code) => resolve({ code, output, pid: child.pid }));
    },
  );
}

const trains = `import fs from 'node:fs';
  console.log('training', process.argv.slice(2).join(' '));
  fs.mkdirSync('models/mbti', { recursive: true });
  fs.writeFileSync('models/mbti/manifest.json', '{}');`;

describe('npm start', () => {
  it('trains the quick configuration, then serves in its own process', async () => {
    const dir = packageWith(trains);
    const { code, output, pid } = await start(dir);
    expect(output).toContain('training --config configs/quick.json --continue');
    expect(output).toContain(`serving in ${pid}`);
    expect(code).toBe(0);
  });

  it('serves at once when there is a model', async () => {
    const dir = packageWith(trains);
    await start(dir);
    const { output } = await start(dir);
    expect(output).not.toContain('training');
    expect(output).toContain('serving in');
  });

  it('passes the exit code of a failed training on and does not serve', async () => {
    const { code, output } = await start(packageWith(`process.exit(3);`));
    expect(code).toBe(3);
    expect(output).not.toContain('serving in');
  });

  it('passes SIGTERM on to the training', async () => {
    const dir = packageWith(
      `process.on('SIGTERM', () => { console.log('checkpoint written'); process.exit(130); });
       console.log('busy'); setInterval(() => {}, 1000);`,
    );
    let killed = false;
    const { code, output } = await start(dir, (text, kill) => {
      if (killed || !text.includes('busy')) return;
      killed = true;
      kill();
    });
    expect(output).toContain('checkpoint written');
    expect(code).toBe(130);
    expect(existsSync(join(dir, 'models'))).toBe(false);
  });

  it('says what to do when nothing is built', async () => {
    const { code, output } = await start(packageWith(undefined));
    expect(output).toContain('npm ci');
    expect(code).toBe(1);
  });
});
