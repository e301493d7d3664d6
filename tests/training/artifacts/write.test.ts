import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { writeArtifacts } from '../../../training/artifacts/index.ts';
import { readModel } from '../../../training/onnx/codec/index.ts';
import { readSafetensors } from '../../../training/onnx/safetensors.ts';
import { numbers } from '../../support/reference-tensors.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { compileTiny } from '../../support/tiny-distilbert.ts';

interface Described {
  readonly models: Record<string, { file: string; inputs: Entry[]; outputs: Entry[] }>;
  readonly parameters: {
    name: string;
    decay_group: string;
    initializer: string;
    shape: number[];
  }[];
  readonly hyper_parameters: Record<string, unknown>;
}
interface Entry {
  readonly name: string;
  readonly type: string;
  readonly shape: (number | string)[];
  readonly role: string;
}

describe('the artifacts folder', () => {
  const folder = temporaryFolder();
  const compiled = compileTiny({ dropout: 0.1, posWeight: [2, 3] });
  const dir = join(folder.path, 'artifacts');
  const description = (): Described =>
    JSON.parse(readFileSync(join(dir, 'artifacts.json'), 'utf8')) as Described;

  it('holds the models, the checkpoint and their description, and nothing half-written', async () => {
    await writeArtifacts(dir, compiled, 'abc');
    expect(readdirSync(dir).sort()).toEqual([
      'artifacts.json',
      'checkpoint.safetensors',
      'eval_model.onnx',
      'optimizer_model.onnx',
      'train_loop.onnx',
      'training_model.onnx',
    ]);
  });

  it('replaces older artifacts and leaves other files alone', async () => {
    writeFileSync(join(dir, 'notes.txt'), 'mine');
    writeFileSync(join(dir, 'artifacts.json'), 'old');
    await writeArtifacts(dir, compiled, 'abc');
    expect(readFileSync(join(dir, 'notes.txt'), 'utf8')).toBe('mine');
    expect(description().parameters).toHaveLength(40);
  });

  it('has the initial parameters in the checkpoint, at step 0', async () => {
    const { tensors, metadata } = await readSafetensors(join(dir, 'checkpoint.safetensors'));
    expect([...tensors.keys()].sort()).toEqual(compiled.parameters.map(({ name }) => name).sort());
    for (const [name, tensor] of tensors)
      expect(numbers(tensor)).toEqual(numbers(compiled.initial.get(name)));
    expect(metadata).toMatchObject({ step: '0', epoch: '0', seed: '5', config_hash: 'abc' });
  });

  it('describes every input and output of the models with type, shape and role', async () => {
    const { models } = description();
    for (const { file, inputs, outputs } of Object.values(models)) {
      const { graph } = await readModel(join(dir, file));
      const wanted = (values: typeof graph.inputs) =>
        values.map(({ name, type, shape }) => [name, type, shape?.map(String)]);
      const found = (entries: Entry[]) =>
        entries.map(({ name, type, shape }) => [name, type, shape.map(String)]);
      expect(found(inputs)).toEqual(wanted(graph.inputs));
      expect(found(outputs)).toEqual(wanted(graph.outputs));
    }
    const roles = (entries: Entry[] | undefined) =>
      Object.fromEntries((entries ?? []).map(({ name, role }) => [name, role]));
    const name = 'head.out.weight';
    expect(roles(models.training_model?.inputs)).toMatchObject({
      input_ids: 'input',
      labels: 'labels',
      [name]: 'parameter',
    });
    expect(roles(models.training_model?.outputs)).toMatchObject({
      loss: 'loss',
      logits: 'logits',
      [`${name}.grad`]: 'gradient',
    });
    expect(roles(models.optimizer_model?.inputs)).toMatchObject({
      step: 'step',
      learning_rate: 'learning_rate',
      [`${name}.exp_avg`]: 'exp_avg',
      [`${name}.exp_avg_sq`]: 'exp_avg_sq',
    });
    expect(roles(models.train_loop?.inputs)).toMatchObject({
      input_ids: 'input',
      labels: 'labels',
      learning_rates: 'learning_rates',
      step: 'step',
      [name]: 'parameter',
      [`${name}.exp_avg`]: 'exp_avg',
    });
    expect(roles(models.train_loop?.outputs)).toMatchObject({
      losses: 'losses',
      grad_norms: 'grad_norms',
      [`${name}.out`]: 'parameter',
    });
  });

  it('says which inputs and outputs are the loss scale, in float16', () => {
    const { description } = compileTiny({ precision: 'fp16' });
    const { models, hyper_parameters: hyper } = description as Described;
    const roles = (entries: Entry[] | undefined) =>
      (entries ?? []).filter(({ name }) => /^(loss_scale|good_steps|step)/.test(name));
    expect(roles(models.training_model?.inputs)).toEqual([
      { name: 'loss_scale', type: 'float32', shape: [], role: 'loss_scale' },
    ]);
    expect(roles(models.train_loop?.outputs).map(({ name, role }) => [name, role])).toEqual([
      ['loss_scale.out', 'loss_scale'],
      ['good_steps.out', 'good_steps'],
      ['step.out', 'step'],
    ]);
    expect(hyper).toMatchObject({ precision: 'fp16', loss_scale: { initial: 65536 } });
  });

  it('records decay groups, sources and hyper-parameters', () => {
    const { parameters, hyper_parameters: hyper } = description();
    const found = parameters.find(
      (p) => p.name === 'distilbert.transformer.layer.0.ffn.lin1.weight',
    );
    expect(found).toEqual({
      name: 'distilbert.transformer.layer.0.ffn.lin1.weight',
      shape: [8, 16],
      decay_group: 'decay',
      initializer: 'distilbert.transformer.layer.0.ffn.lin1.weight',
    });
    expect(hyper).toMatchObject({
      head: 'mlp',
      labels: 2,
      pos_weight: [2, 3],
      dropout: 0.1,
      weight_decay: 0.01,
      max_grad_norm: 1,
      betas: [0.9, 0.999],
      epsilon: 1e-8,
      seed: 5,
    });
  });
});
