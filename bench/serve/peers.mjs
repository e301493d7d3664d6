import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../../dist/src/package-root.js';
import { startServer } from './server-process.mjs';

const pathOf = (name) => fileURLToPath(new URL(`../peers/${name}`, import.meta.url));

/** `mbti-serve` as it comes, of this checkout or another one: int8, one engine for each worker. */
export const startOurs = (dir, workers, { root = packageRoot, name = 'mbti-serve' } = {}) =>
  startServer({ name, path: '/predict', readyPath: '/health/ready' }, (port) => ({
    program: process.execPath,
    args: [
      join(root, 'dist/src/bin/mbti-serve.js'),
      ...['--model', dir, '--host', '127.0.0.1', '--port', String(port)],
      ...['--workers', String(workers), 'log.level=error'],
    ],
  }));

/** The server of another checkout, for comparing versions. */
export const anotherBuild = (root, workers) => ({
  missing: () =>
    existsSync(join(root, 'dist/src/bin/mbti-serve.js')) ? undefined : `${root} is not built`,
  start: (dir) => startOurs(dir, workers, { root: resolve(root), name: `mbti-serve of ${root}` }),
});

/** Every peer: why it cannot run here, or undefined; and how it is started. */
export const peers = {
  transformersjs: {
    missing: transformersJsMissing,
    start: (dir) => startTransformersJs(dir, 'fp32'),
  },
  transformersjs_int8: {
    missing: transformersJsMissing,
    start: (dir) => startTransformersJs(dir, 'q8'),
  },
  fastapi: { missing: fastapiMissing, start: startFastapi },
};

function transformersJsMissing() {
  const folder = process.env.BENCH_TRANSFORMERSJS;
  if (!folder)
    return 'BENCH_TRANSFORMERSJS names no folder: see bench/peers/express-transformersjs';
  if (existsSync(join(folder, 'node_modules/@huggingface/transformers'))) return undefined;
  return `${folder} has no @huggingface/transformers: see bench/peers/express-transformersjs`;
}

const startTransformersJs = (dir, dtype) =>
  startServer(
    { name: `transformers.js ${dtype}`, path: '/predict', readyPath: '/health' },
    (port) => ({
      program: process.execPath,
      args: [pathOf('express-transformersjs/server.mjs')],
      env: {
        PEER_MODULES: resolve(process.env.BENCH_TRANSFORMERSJS ?? '.'),
        PEER_MODEL: dir,
        PEER_DTYPE: dtype,
        PORT: String(port),
      },
    }),
  );

const python = () => process.env.BENCH_PYTHON ?? 'python3';

function fastapiMissing() {
  try {
    execFileSync(python(), ['-c', 'import fastapi, uvicorn, torch, transformers'], {
      stdio: 'ignore',
    });
    return undefined;
  } catch {
    return `${python()} cannot import fastapi, uvicorn, torch and transformers: see bench/peers/fastapi-pytorch`;
  }
}

function startFastapi(dir) {
  return startServer({ name: 'FastAPI', path: '/predict', readyPath: '/health' }, (port) => ({
    program: python(),
    args: [pathOf('fastapi-pytorch/server.py')],
    env: { PEER_MODEL: dir, PORT: String(port) },
  }));
}
