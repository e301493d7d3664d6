import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { packageRoot } from '../../src/package-root.ts';
import { sampleCsv } from '../../training/data/sample/writer.ts';
import { readSafetensors } from '../../training/onnx/safetensors.ts';
import { numbers } from '../support/reference-tensors.ts';
import { runBin } from '../support/run-bin.ts';
import { commandHost } from '../support/run-commands.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const bin = 'training/bin/mbti-train';
const folder = temporaryFolder();
const { path: cwd } = folder;
const at = (...names: string[]) => join(cwd, ...names);
const read = (...names: string[]) => readFileSync(at(...names));
const host = commandHost();
const train = (args: readonly string[]) => host(bin, args, { cwd });

/** 40 updates, 18 an epoch, with dropout; checkpoints and validations fall on steps of their own. */
const config = {
  seed: 7,
  data: { source: 'sample.csv' },
  model: {
    base: {
      init: { dim: 16, n_layers: 1, n_heads: 2, hidden_dim: 32, max_position_embeddings: 64 },
    },
    tokenizer: 'train',
    vocab_size: 400,
  },
  train: {
    epochs: 4,
    max_steps: 40,
    batch_size: 8,
    max_length: 32,
    learning_rate: 3e-3,
    warmup_steps: 4,
    dropout: 0.1,
    evaluate_every: 9,
    checkpoint_every: 7,
  },
  runtime: { device: 'cpu', threads: 1 },
};

/** Runs until the log tells of a step, sends the signal, and waits for the end. */
async function stopAt(step: number, signal: NodeJS.Signals, name: string): Promise<number | null> {
  let watch: NodeJS.Timeout | undefined;
  const ended = await runBin(bin, ['--config', 'tiny.json', `run.name=${name}`], {
    cwd,
    onOutput: (_stdout, kill) => {
      watch ??= setInterval(() => {
        if (!stepsOf(name).includes(step)) return;
        // Once: a second signal would end it at once.
        clearInterval(watch);
        kill(signal);
      }, 1);
    },
  });
  clearInterval(watch);
  return ended.code;
}

/** The steps of a run's log, complete lines only. */
function stepsOf(name: string): number[] {
  try {
    return Array.from(
      read('runs', name, 'log.jsonl')
        .toString()
        .matchAll(/"event":"step","step":(\d+).*}\n/g),
      ([, step]) => Number(step),
    );
  } catch {
    return [];
  }
}

beforeAll(async () => {
  folder.write('sample.csv', sampleCsv(200, 5));
  folder.write('tiny.json', JSON.stringify(config));
  expect((await train(['--config', 'tiny.json', 'run.name=whole'])).code).toBe(0);
}, 60_000);

/** Parameters, moments and metrics of a run and its bundle are those of the run that nothing stopped. */
function expectSameAsWhole(name: string): void {
  for (const file of ['checkpoints/last.safetensors', 'checkpoints/best.safetensors']) {
    expect({ file, same: read('runs', name, file).equals(read('runs/whole', file)) }).toEqual({
      file,
      same: true,
    });
  }
  expect(read('runs', name, 'metrics.json')).toEqual(read('runs/whole/metrics.json'));
  expect(read('models', name, 'onnx/model.onnx').equals(read('models/whole/onnx/model.onnx'))).toBe(
    true,
  );
  expect(stepsOf(name)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
}

describe('a run that was killed', () => {
  it('is resumed to the same numbers, byte for byte, wherever it was, twice over', async () => {
    const step = 8 + Math.floor(Math.random() * 24);
    await stopAt(step, 'SIGKILL', 'killed');
    const left = at('runs/killed/checkpoints/.last.safetensors.0123.tmp');
    writeFileSync(left, 'half a checkpoint');
    const again = ['--config', 'tiny.json', 'run.name=killed'];
    const refused = await train(again);
    expect([refused.code, refused.stderr]).toEqual([
      2,
      expect.stringMatching(/runs\/killed holds an unfinished run.*\n.*--resume runs\/killed/),
    ]);
    const ended = await runBin(bin, [...again, '--continue'], { cwd });
    expect({ step, code: ended.code, stderr: ended.stderr }).toEqual({ step, code: 0, stderr: '' });
    expect(ended.stdout).toMatch(/going on after step \d+/);
    expectSameAsWhole('killed');
    expect(readdirSync(at('runs/killed/checkpoints')).sort()).toEqual([
      'best.safetensors',
      'last.safetensors',
    ]);
    const redone = await train(['--resume', 'runs/killed', 'quantize.max_mean_dp=0.5']);
    expect(redone.code).toBe(0);
    expectSameAsWhole('killed');
  }, 60_000);
});

describe('a run that was killed before its first checkpoint', () => {
  it('says so when it is resumed, and begins anew under --continue', async () => {
    mkdirSync(at('runs/begun'), { recursive: true });
    copyFileSync(at('runs/whole/config.json'), at('runs/begun/config.json'));
    const resumed = await train(['--resume', 'runs/begun']);
    expect([resumed.code, resumed.stderr]).toEqual([
      3,
      expect.stringMatching(/runs\/begun holds a run that ended before its first checkpoint/),
    ]);
    const { code, stdout } = await train(['--config', 'tiny.json', 'run.name=begun', '--continue']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/before its first checkpoint: it begins anew/);
    expectSameAsWhole('begun');
  }, 60_000);
});

describe('a run that has finished', () => {
  const again = ['--config', 'tiny.json', 'run.name=whole'];

  it('is not replaced without a flag, and has nothing left to do under --continue', async () => {
    const [log, last] = [
      read('runs/whole/log.jsonl'),
      read('runs/whole/checkpoints/last.safetensors'),
    ];
    const refused = await train(again);
    expect([refused.code, refused.stderr]).toEqual([
      2,
      expect.stringMatching(/runs\/whole holds a finished run.*\n.*--overwrite/),
    ]);
    const done = await train([...again, '--continue']);
    expect({ code: done.code, stderr: done.stderr }).toEqual({ code: 0, stderr: '' });
    expect(done.stdout).toMatch(/nothing is left to do/);
    expect(read('runs/whole/log.jsonl').equals(log)).toBe(true);
    expect(read('runs/whole/checkpoints/last.safetensors').equals(last)).toBe(true);
  });

  it('is trained anew with --overwrite, which says so', async () => {
    mkdirSync(at('runs/anew/checkpoints'), { recursive: true });
    for (const name of ['config.json', 'finished.json', 'checkpoints/last.safetensors']) {
      copyFileSync(at('runs/whole', name), at('runs/anew', name));
    }
    const args = ['--config', 'tiny.json', 'run.name=anew', 'train.max_steps=3', '--overwrite'];
    const { code, stdout } = await train(args);
    expect(code).toBe(0);
    expect(stdout).toMatch(/runs\/anew holds a finished run: it is replaced/);
    expect(stdout).not.toContain('going on after');
    expect(stepsOf('anew')).toEqual([1, 2, 3]);
  }, 60_000);
});

describe('a run that was stopped by SIGTERM', () => {
  it('goes on from that very step to the same numbers, byte for byte', async () => {
    expect(await stopAt(16, 'SIGTERM', 'stopped')).toBe(130);
    const { code, stdout } = await train(['--resume', 'runs/stopped', '--config', 'tiny.json']);
    expect(code).toBe(0);
    const [, from] = /going on after step (\d+)/.exec(stdout) ?? [];
    expect(Number(from)).toBeGreaterThanOrEqual(16);
    expectSameAsWhole('stopped');
  }, 60_000);
});

describe('a run in float16', () => {
  it('goes on from a checkpoint to the same numbers, the loss scale included', async () => {
    const half = ['runtime.precision=fp16', 'train.max_steps=14', 'train.keep_checkpoints=2'];
    const { code, stdout } = await train(['--config', 'tiny.json', 'run.name=half', ...half]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^precision {2}fp16, a little slower than fp32 on the CPU/m);
    const last = 'checkpoints/last.safetensors';
    const { tensors } = await readSafetensors(at('runs/half', last));
    expect(numbers(tensors.get('loss_scale.updates'))).toEqual([14]);
    const wanted = read('runs/half', last);
    copyFileSync(at('runs/half/checkpoints/step-7.safetensors'), at('runs/half', last));
    expect((await train(['--resume', 'runs/half'])).stdout).toContain('going on after step 7');
    expect(read('runs/half', last).equals(wanted)).toBe(true);
  }, 60_000);
});

describe('mbti-train --resume', () => {
  it.each([
    ['a folder without a run', ['--resume', 'none'], 3, /none is no folder of a run/],
    [
      'changed settings, each by name',
      ['--resume', 'runs/whole', 'train.epochs=9', 'seed=1'],
      2,
      /seed is 1 now: .* began with 7\ntrain\.epochs is 9 now: .* began with 4/,
    ],
    ['other data', ['--resume', 'runs/whole', 'data.source=other.csv'], 1, /other data/],
  ])('refuses %s', async (_name, args, code, message) => {
    folder.write('other.csv', sampleCsv(200, 6));
    const ended = await train(args);
    expect({ code: ended.code, stderr: ended.stderr }).toEqual({
      code,
      stderr: expect.stringMatching(message),
    });
  });

  it('refuses a checkpoint that is cut off, and one of another run, by the name of the file', async () => {
    for (const name of ['cut', 'foreign']) {
      mkdirSync(at('runs', name, 'checkpoints'), { recursive: true });
      copyFileSync(at('runs/whole/config.json'), at('runs', name, 'config.json'));
    }
    const cut = at('runs/cut/checkpoints/last.safetensors');
    writeFileSync(cut, read('runs/whole/checkpoints/last.safetensors').subarray(0, 5000));
    const first = await train(['--resume', 'runs/cut']);
    expect([first.code, first.stderr]).toEqual([1, expect.stringContaining('last.safetensors')]);
    const other = ['--config', 'tiny.json', 'run.name=other', 'train.max_steps=3', 'seed=8'];
    expect((await train(other)).code).toBe(0);
    const foreign = at('runs/foreign/checkpoints/last.safetensors');
    copyFileSync(at('runs/other/checkpoints/last.safetensors'), foreign);
    const second = await train(['--resume', 'runs/foreign']);
    expect([second.code, second.stderr]).toEqual([
      1,
      expect.stringMatching(/last\.safetensors belongs to a run with another configuration/),
    ]);
  }, 60_000);
});

describe('a disk that is full', () => {
  it('leaves the last good checkpoint, from which the run goes on to the same numbers', async () => {
    expect(await stopAt(15, 'SIGTERM', 'full')).toBe(130);
    const good = read('runs/full/checkpoints/last.safetensors');
    const script = join(packageRoot, 'dist', `${bin}.js`);
    // No file may grow beyond 64 blocks of 512 bytes: the log may, a checkpoint may not.
    const { status, stderr } = spawnSync(
      'sh',
      [
        '-c',
        `trap '' XFSZ; ulimit -f 64; exec "$0" "$1" --resume runs/full`,
        process.execPath,
        script,
      ],
      { cwd, encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } },
    );
    expect([status, stderr]).toEqual([1, expect.stringMatching(/cannot be written/)]);
    expect(read('runs/full/checkpoints/last.safetensors').equals(good)).toBe(true);
    expect((await train(['--resume', 'runs/full'])).code).toBe(0);
    expectSameAsWhole('full');
  }, 60_000);
});
