import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { readSafetensors, writeSafetensors } from '../../../training/onnx/safetensors.ts';
import { floatTensor } from '../../../training/onnx/tensor.ts';
import { type RunIdentity, runCheckpoints } from '../../../training/recipes/checkpoints.ts';
import { newRunState } from '../../../training/recipes/run-state.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

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
