import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { AppError } from '../../../src/errors.ts';
import { packageRoot } from '../../../src/package-root.ts';
import { decodeModel } from '../../../training/onnx/codec/index.ts';
import { Random } from '../../../training/random.ts';
import { compareModels, openApart } from '../../../training/runtime/agreement.ts';
import {
  allowanceFor,
  type GuardedSession,
  openGuarded,
} from '../../../training/runtime/guard/guarded-session.ts';
import { until } from '../../support/until.ts';
import {
  body,
  file,
  floats,
  int,
  integers,
  logits,
  node,
  product,
  productWeight,
} from '../onnx/hostile/files.ts';

/** Small, so that tests need not wait for what a command allows. */
const allowance = { bytes: 400 * 2 ** 20, seconds: 1 };

const feeds = { x: { type: 'float32', data: new Float32Array(16).fill(1), dims: [2, 8] } };

async function opened<T>(
  bytes: Uint8Array,
  use: (session: GuardedSession) => Promise<T>,
): Promise<T> {
  const session = await openGuarded([bytes], { threads: 1, allowance });
  try {
    return await use(session);
  } finally {
    await session.release();
  }
}

const built = join(packageRoot, 'dist/training/runtime/guard/guarded-session.js');

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const errorOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

/** x·w plus the sum of 10^9 ones. */
const large = file({
  initializer: [productWeight, integers('n', 1e9)],
  output: [logits],
  node: [
    product('h'),
    node('ConstantOfShape', ['n'], ['c']),
    node('ReduceSum', ['c'], ['s'], [int('keepdims', 0)]),
    node('Add', ['h', 's'], ['logits']),
  ],
});

const INT64 = 7;
const BOOL = 9;

const scalar = (name: string, elemType: number) => ({
  name,
  type: { value: { case: 'tensorType', value: { elemType, shape: { dim: [] } } } },
});

/** x·w, added to itself 10^15 times. */
const endless = file({
  initializer: [
    productWeight,
    { ...integers('n', 1e15), dims: [] },
    { name: 'yes', dataType: 9, dims: [], rawData: Uint8Array.of(1) },
  ],
  output: [logits],
  node: [
    product('h'),
    node(
      'Loop',
      ['n', 'yes', 'h'],
      ['logits'],
      [
        body('body', {
          name: 'body',
          input: [scalar('i', INT64), scalar('again', BOOL), floats('v', 'batch', 4)],
          node: [node('Identity', ['again'], ['on']), node('Add', ['v', 'v'], ['sum'])],
          output: [scalar('on', BOOL), floats('sum', 'batch', 4)],
        }),
      ],
    ),
  ],
});

describe('a model in a process of its own', () => {
  it('runs as it does here', async () => {
    const sound = file({
      initializer: [productWeight],
      output: [logits],
      node: [product('logits')],
    });
    await opened(sound, async (session) => {
      expect(session.inputs).toEqual([{ name: 'x', type: 'float32', shape: ['batch', 8] }]);
      const { logits: found } = await session.run(feeds);
      expect(found?.dims).toEqual([2, 4]);
      const [first = 0] = (found?.data ?? []) as number[];
      // 0 + .4 + .1 + .5 + .2 + .6 + .3 + 0, every fourth of the weight's numbers.
      expect(first).toBeCloseTo(2.1, 5);
      expect(Object.keys(await session.run(feeds, ['logits']))).toEqual(['logits']);
    });
  });

  it('tells what the runtime says of a model that it refuses, and of feeds', async () => {
    const foreign = file({ output: [logits], node: [node('Theirs', ['x'], ['logits'])] });
    const refused = await errorOf(opened(foreign, async () => {}));
    expect(refused).not.toBeInstanceOf(AppError);
    expect((refused as Error).message).toMatch(/Theirs/);
    const sound = file({
      initializer: [productWeight],
      output: [logits],
      node: [product('logits')],
    });
    const wrong = { x: { ...feeds.x, dims: [4, 4] } };
    const failed = await errorOf(opened(sound, (session) => session.run(wrong)));
    expect((failed as Error).message).toMatch(/x|dimension/i);
  });

  it('is ended where it takes more memory than it may, and the error names the limit', async () => {
    const error = await errorOf(opened(large, (session) => session.run(feeds)));
    expect(error).toMatchObject({
      code: 'model_invalid',
      message: expect.stringContaining('it takes more than 400 MiB of memory'),
    });
  });

  it('is ended where it takes more time than it may', async () => {
    const error = await errorOf(opened(endless, (session) => session.run(feeds)));
    expect(error).toMatchObject({
      code: 'model_invalid',
      message: expect.stringContaining('it takes more than 1 s of a processor'),
    });
  });

  it('answers no more once it is ended', async () => {
    const sound = file({
      initializer: [productWeight],
      output: [logits],
      node: [product('logits')],
    });
    const session = await openGuarded([sound], { threads: 1, allowance });
    await session.release();
    await expect(session.run(feeds)).rejects.toMatchObject({ code: 'model_invalid' });
  });

  it('is gone when its parent is, however that ends', async () => {
    const script = `
      const { openGuarded } = await import(${JSON.stringify(built)});
      const allowance = { bytes: 2 ** 30, seconds: 60 };
      const bytes = new Uint8Array(Buffer.from('${Buffer.from(endless).toString('base64')}', 'base64'));
      const session = await openGuarded([bytes], { threads: 1, allowance });
      console.log(session.pid);
      const data = new Float32Array(16);
      await session.run({ x: { type: 'float32', data, dims: [2, 8] } });
    `;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      env: { ...process.env, NODE_OPTIONS: '' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(line);
    expect(isAlive(pid)).toBe(true);
    parent.kill('SIGKILL');
    await until(() => !isAlive(pid));
    expect(isAlive(pid)).toBe(false);
  });

  it('does not let two models be compared that take too much, and says why', async () => {
    const model = decodeModel(large);
    const open = async (one: typeof model) => {
      const { run, release } = await openApart(one, { bytes: 400 * 2 ** 20, seconds: 1 });
      return { run, release };
    };
    expect(await compareModels(model, model, new Random(1), open)).toEqual({
      problem: expect.stringContaining('more than 400 MiB'),
    });
  });
});

describe('what a model may use', () => {
  it('is a little more than its own size, several times', () => {
    expect(allowanceFor(0)).toEqual({ bytes: 768 * 2 ** 20, seconds: 3 });
    expect(allowanceFor(5e8)).toEqual({ bytes: 768 * 2 ** 20 + 2e9, seconds: 103 });
  });
});
