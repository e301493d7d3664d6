import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { AppError } from '../../../../src/errors.ts';
import { readSafetensors, writeSafetensors } from '../../../../training/onnx/safetensors.ts';
import { floatTensor } from '../../../../training/onnx/tensor.ts';
import {
  loadBest,
  type RunIdentity,
  restore,
  runCheckpoints,
} from '../../../../training/recipes/run/checkpoints.ts';
import {
  newRunState,
  parseRunState,
  type RunState,
} from '../../../../training/recipes/run/state.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const folder = temporaryFolder();
const identity = { config_hash: 'c1', data_hash: 'd1', model_hash: 'm1' };
const tensors = new Map([['w', floatTensor([2], Float32Array.of(1, 2))]]);

const checkpointsOf = (name: string, keep = 0, changes: Partial<RunIdentity> = {}) =>
  runCheckpoints(
    {
      run: { name, dir: join(folder.path, name) },
      seed: 1,
      train: { keep_checkpoints: keep } as never,
    },
    { ...identity, ...changes },
  );

const files = (name: string) => readdirSync(join(folder.path, name, 'checkpoints')).sort();

describe('checkpoints', () => {
  it('give back the tensors and where training stood, to the last bit', async () => {
    const checkpoints = checkpointsOf('whole');
    const best = { step: 5, epoch: 1, value: 2 / 3, macroF1: 1 / 3, loss: 0.1 + 0.2 };
    const state = { ...newRunState(), step: 9, next: 4, batches: 9, lossSum: Math.PI, best };
    await checkpoints.save('last', tensors, state);
    const found = await checkpoints.load('last');
    expect(found.state).toEqual(state);
    expect([...found.tensors.keys()]).toEqual(['w']);
  });

  it('are the last and the best one, and as many older ones as are asked for', async () => {
    const none = checkpointsOf('none');
    const two = checkpointsOf('two', 2);
    for (const step of [1, 2, 10]) {
      await none.save('last', tensors, { ...newRunState(), step });
      await two.save('last', tensors, { ...newRunState(), step });
    }
    await none.save('best', tensors, newRunState());
    expect(files('none')).toEqual(['best.safetensors', 'last.safetensors']);
    expect(files('two')).toEqual(['last.safetensors', 'step-10.safetensors', 'step-2.safetensors']);
  });

  it.each([
    ['config_hash', /another configuration: its config_hash is c1, this run's other/],
    ['data_hash', /other data/],
    ['model_hash', /another model/],
  ])('of a run with another %s are refused by name', async (key, message) => {
    await checkpointsOf(key).save('last', tensors, newRunState());
    const other = checkpointsOf(key, 0, { [key]: 'other' });
    await expect(other.load('last')).rejects.toMatchObject({
      code: 'data_invalid',
      message: expect.stringMatching(message),
    });
  });

  it('that are cut off are named with what can take their place', async () => {
    const checkpoints = checkpointsOf('cut', 1);
    for (const step of [4, 8]) await checkpoints.save('last', tensors, { ...newRunState(), step });
    const file = join(folder.path, 'cut/checkpoints/last.safetensors');
    for (const length of [0, 5, 40]) {
      rmSync(file);
      writeFileSync(file, 'x'.repeat(length));
      await expect(checkpoints.load('last')).rejects.toMatchObject({
        code: 'data_invalid',
        message: expect.stringContaining('last.safetensors'),
        hint: expect.stringMatching(/step-8\.safetensors in its place, or .*--overwrite/),
      });
    }
  });

  it('of which none is left are named with what to do', async () => {
    const checkpoints = checkpointsOf('none left');
    const file = await checkpoints.save('last', tensors, newRunState());
    writeFileSync(file, '');
    await expect(checkpoints.load('last')).rejects.toMatchObject({
      hint: 'begin the run anew with --overwrite',
      cause: expect.objectContaining({ code: 'data_invalid' }),
    });
  });

  it('of another format version are refused by name', async () => {
    const checkpoints = checkpointsOf('version');
    const file = await checkpoints.save('last', tensors, newRunState());
    const { metadata } = await readSafetensors(file);
    await writeSafetensors(file, tensors, { ...metadata, format_version: '99' });
    await expect(checkpoints.load('last')).rejects.toThrow(/has format version 99: expected 1/);
    for (const state of ['{"step":-1}', '{"lossSum":null}', '7', 'null', '']) {
      await writeSafetensors(file, tensors, { ...metadata, state });
      await expect(checkpoints.load('last')).rejects.toThrow(/does not say where its run stood/);
    }
  });
});

describe('the best checkpoint', () => {
  const bestAt = (step: number, value = 0.5) => ({ step, epoch: 1, value, macroF1: 0.5, loss: 1 });
  const at = (step: number, best?: ReturnType<typeof bestAt>) => ({ ...newRunState(), step, best });
  const save = async (name: string, state: RunState) => {
    const checkpoints = checkpointsOf(name);
    await checkpoints.save('best', tensors, state);
    return checkpoints;
  };

  it('is that of which the last one tells', async () => {
    const checkpoints = await save('told', at(4, bestAt(4)));
    const { best, tensors: found } = await loadBest(checkpoints, at(9, bestAt(4)), {
      goesOn: false,
    });
    expect(best).toEqual(bestAt(4));
    expect([...found.keys()]).toEqual(['w']);
  });

  it('may be later than the last one where training goes on, and not where it ended', async () => {
    const checkpoints = await save('later', at(8, bestAt(8)));
    const last = at(5, bestAt(3));
    expect((await loadBest(checkpoints, last, { goesOn: true })).best.step).toBe(8);
    await expect(loadBest(checkpoints, last, { goesOn: false })).rejects.toMatchObject({
      code: 'data_invalid',
      message: 'the best checkpoint is of step 8: expected at most 5, where training stands',
    });
  });

  it.each<[string, RunState, RunState, RegExp]>([
    ['another step', at(3, bestAt(3)), at(9, bestAt(4)), /step 3 with 0\.5: expected step 4/],
    [
      'another value',
      at(4, bestAt(4, 0.9)),
      at(9, bestAt(4)),
      /step 4 with 0\.9: expected .* 0\.5/,
    ],
    ['no best', at(4), at(9, bestAt(4)), /is of step 4 and names none as the best/],
    ['a best of before', at(4, bestAt(2)), at(9, bestAt(4)), /names step 2 as the best/],
    ['one of which none is told', at(4, bestAt(4)), at(9), /expected step none/],
  ])('with %s is refused', async (name, best, last, message) => {
    const checkpoints = await save(name, best);
    for (const goesOn of [true, false]) {
      await expect(loadBest(checkpoints, last, { goesOn })).rejects.toMatchObject({
        code: 'data_invalid',
        message: expect.stringMatching(message),
      });
    }
  });

  it('of another run is refused as the last one is', async () => {
    await save('foreign', at(4, bestAt(4)));
    const other = checkpointsOf('foreign', 0, { data_hash: 'other' });
    await expect(loadBest(other, at(4, bestAt(4)), { goesOn: false })).rejects.toThrow(
      /other data/,
    );
  });
});

it('a state that is not one of the model is refused by the checkpoint that holds it', () => {
  const cause = new AppError('data_invalid', 'the state holds no "w.exp_avg"', { hint: 'h' });
  const refusing = {
    load: () => {
      throw cause;
    },
  };
  expect(() => restore(refusing, 'best', { tensors })).toThrow(
    expect.objectContaining({
      code: 'data_invalid',
      message: 'the best checkpoint: the state holds no "w.exp_avg"',
      hint: 'h',
    }),
  );
  const loaded: unknown[] = [];
  restore({ load: (state) => loaded.push(state) }, 'last', { tensors });
  expect(loaded).toEqual([tensors]);
});

describe('where a run stood', () => {
  const text = (changes: object) => JSON.stringify({ ...newRunState(), ...changes });
  const best = { step: 1, epoch: 1, value: 0.5, macroF1: 0.5, loss: 1 };

  it.each<[string, string | undefined]>([
    ['nothing', undefined],
    ['no JSON', '{'],
    ['null', 'null'],
    ['a step below 0', text({ step: -1 })],
    ['half a step', text({ step: 0.5 })],
    ['a step as a text', text({ step: '1' })],
    ['more runs than a seed can be counted up by', text({ runs: 2 ** 48 })],
    ['a loss that is none', text({ lossSum: null })],
    ['a best that is a list', text({ best: [] })],
    ['a best that is null', text({ best: null })],
    ['a best without a value', text({ best: { ...best, value: undefined } })],
    ['a best whose loss was no number', text({ best: { ...best, loss: Number.NaN } })],
    ['a best of step -1', text({ best: { ...best, step: -1 } })],
  ])('is refused: %s', (_, state) => {
    expect(() => parseRunState(state, 'FILE')).toThrow(
      expect.objectContaining({
        code: 'data_invalid',
        message: 'FILE does not say where its run stood',
      }),
    );
  });

  it('is what was written', () => {
    expect(parseRunState(text({ best, step: 7 }), 'FILE')).toEqual({
      ...newRunState(),
      best,
      step: 7,
    });
  });
});
