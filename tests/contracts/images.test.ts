import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { loadConfig } from '../../src/config/index.ts';
import { packageRoot } from '../../src/package-root.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { copiesOf, parseDockerfile, type Stage, valuesOf } from './dockerfile.ts';

const read = (name: string) => readFileSync(join(packageRoot, name), 'utf8');
const files = ['Dockerfile.api', 'Dockerfile.train'] as const;
const stagesOf = (file: string) => parseDockerfile(read(file));

function finalStage(file: string): Stage {
  const stage = stagesOf(file).at(-1);
  if (!stage) throw new Error(`${file} has no stage`);
  return stage;
}

/** The words of an exec-form instruction; a shell form is no JSON and throws. */
function words(stage: Stage, name: string): string[] {
  return valuesOf(stage, name).flatMap((value): string[] => JSON.parse(value));
}

/** The command of an image: ENTRYPOINT and CMD. */
const commandOf = (stage: Stage) => [...words(stage, 'ENTRYPOINT'), ...words(stage, 'CMD')];

/** What .dockerignore lets into the build. */
const allowed = read('.dockerignore')
  .split('\n')
  .filter((line) => line.startsWith('!'))
  .map((line) => line.slice(1));

describe.each(files)('%s', (file) => {
  it('builds every stage on Debian or on an earlier stage', () => {
    const stages = stagesOf(file);
    stages.forEach(({ from }, i) => {
      const earlier = stages.slice(0, i).map(({ name }) => name);
      expect(['node:22-bookworm-slim', ...earlier]).toContain(from);
    });
    expect(stages.length).toBeGreaterThan(1);
  });

  it('copies only files that exist and that .dockerignore lets through', () => {
    const stages = stagesOf(file);
    for (const { from, sources } of stages.flatMap(copiesOf)) {
      if (from !== undefined) {
        expect(stages.map(({ name }) => name)).toContain(from);
        continue;
      }
      for (const source of sources) {
        expect(existsSync(join(packageRoot, source))).toBe(true);
        expect(allowed).toContain(source.replace('./', ''));
      }
    }
  });

  it('runs no install script and carries no development dependency', () => {
    const stages = stagesOf(file);
    const installs = stages
      .flatMap((stage) => valuesOf(stage, 'RUN'))
      .filter((run) => /npm ci/.test(run));
    for (const install of installs) expect(install).toContain('--ignore-scripts');
    const modules = copiesOf(finalStage(file)).find(({ sources }) =>
      sources[0]?.includes('node_modules'),
    );
    const source = stages.find(({ name }) => name === modules?.from);
    expect(valuesOf(source as Stage, 'RUN')[0]).toBe('npm ci --omit=dev --ignore-scripts');
  });

  it('carries the licences', () => {
    const copied = copiesOf(finalStage(file)).flatMap(({ from, sources }) => (from ? [] : sources));
    expect(copied).toEqual(expect.arrayContaining(['LICENSE', 'NOTICE', 'LICENSES']));
  });

  it('runs as another user than root, to the end', () => {
    const names = finalStage(file).instructions.map(({ name }) => name);
    // By number: of a name Kubernetes cannot tell that it is not root, and refuses the pod (runAsNonRoot).
    expect(valuesOf(finalStage(file), 'USER')).toEqual(['1000:1000']);
    expect(names.slice(names.indexOf('USER'))).not.toContain('RUN');
  });

  it('starts a program that the build makes, with no shell in between', () => {
    const [program, script = ''] = commandOf(finalStage(file));
    expect(program).toBe('node');
    const source = script.replace(/^\/app\//, '').replace(/^dist\/(.*)\.js$/, '$1.ts');
    expect(existsSync(join(packageRoot, source))).toBe(true);
  });

  it('starts it with a configuration that loads', () => {
    const command = commandOf(finalStage(file));
    const config = command[command.indexOf('--config') + 1] ?? 'none';
    expect(() => loadConfig({ file: config, env: {} })).not.toThrow();
  });
});

describe('the image of the server', () => {
  it('carries no training code', () => {
    const copied = stagesOf('Dockerfile.api')
      .flatMap(copiesOf)
      .flatMap(({ sources }) => sources);
    expect(copied.filter((source) => /training|dist$/.test(source))).toEqual([]);
  });

  it.each([
    [200, 0],
    [503, 1],
  ])('is healthy by /health/ready: status %d gives exit code %d', async (status, exitCode) => {
    const server = createServer((request, response) => {
      response.writeHead(request.url === '/health/ready' ? status : 404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as AddressInfo;
      expect(await healthCheck(port)).toBe(exitCode);
    } finally {
      server.close();
    }
  });

  it('is not healthy where nothing listens', async () => {
    expect(await healthCheck(1)).toBe(1);
  });
});

/** Runs the command of HEALTHCHECK here; its exit code. */
function healthCheck(port: number): Promise<number | null> {
  const [value = ''] = valuesOf(finalStage('Dockerfile.api'), 'HEALTHCHECK');
  const [, ...args]: string[] = JSON.parse(value.slice(value.indexOf('CMD ') + 4));
  const child = spawn(process.execPath, args, {
    env: { ...process.env, NODE_OPTIONS: '', MBTI_SERVER_PORT: String(port) },
  });
  return new Promise((resolve) => child.on('exit', resolve));
}

describe('pruning the binaries of other platforms', () => {
  const folder = temporaryFolder();

  it.each(files)('%s leaves those of its own', (file) => {
    const bin = join(folder.path, file, 'node_modules/onnxruntime-node/bin/napi-v6');
    const platforms = ['linux/x64', 'linux/arm64', 'darwin/arm64', 'win32/x64'];
    for (const platform of platforms) mkdirSync(join(bin, platform), { recursive: true });
    const prune = stagesOf(file)
      .flatMap((stage) => valuesOf(stage, 'RUN'))
      .filter((run) => run.startsWith('find node_modules'));
    expect(prune).toHaveLength(1);
    expect(spawnSync('sh', ['-c', prune[0] ?? ''], { cwd: join(folder.path, file) }).status).toBe(
      0,
    );
    const left = readdirSync(bin).flatMap((os) =>
      readdirSync(join(bin, os)).map((arch) => `${os}/${arch}`),
    );
    expect(left).toEqual([`linux/${process.arch}`]);
  });
});
