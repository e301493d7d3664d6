import { describe, expect, it } from '@jest/globals';
import { type CompiledArtifacts, compileArtifacts } from '../../../training/artifacts/index.ts';
import { readModel } from '../../../training/onnx/codec/index.ts';
import {
  floatTensor,
  intTensor,
  scalarTensor,
  type Tensor,
} from '../../../training/onnx/tensor.ts';
import { verify } from '../../../training/onnx/verify.ts';
import { Random } from '../../../training/random.ts';
import {
  fixturePath,
  maxDifference,
  numbers,
  readFixtureJson,
  readReference,
  tensorNamed,
} from '../../support/reference-tensors.ts';
import { runSession, sessionOf } from '../../support/run-graph.ts';
import {
  batchTensors,
  compileOptions,
  compileTiny,
  tinyDistilbert,
  toyBatch,
} from '../../support/tiny-distilbert.ts';

type Tensors = Readonly<Record<string, Tensor>>;

const RATES = [1e-3, 3e-3, 2e-3, 1e-3];
const FIRST_STEP = 3;
const KINDS = ['', '.exp_avg', '.exp_avg_sq'];

/** Parameters as they were compiled, moments as after some steps. */
function startOf({ initial }: CompiledArtifacts): Record<string, Tensor> {
  const random = new Random(9);
  const moment = ({ dims }: Tensor, scale: number, shift: number): Tensor => {
    const count = dims.reduce((n, d) => n * d, 1);
    return floatTensor(
      dims,
      Float32Array.from({ length: count }, () => scale * (random.next() - shift)),
    );
  };
  return Object.fromEntries(
    [...initial].flatMap(([name, tensor]) => [
      [name, tensor],
      [`${name}.exp_avg`, moment(tensor, 1e-2, 0.5)],
      [`${name}.exp_avg_sq`, moment(tensor, 1e-3, 0)],
    ]),
  );
}

const float = ({ dims, values }: { dims: readonly number[]; values: number[] }): Tensor =>
  floatTensor(dims, Float32Array.from(values));

/** Each step by training_model, then optimizer_model. */
async function separately(compiled: CompiledArtifacts, batches: readonly Tensors[]) {
  const training = await sessionOf(compiled.training.graph);
  const optimizer = await sessionOf(compiled.optimizer.graph);
  let state: Record<string, Tensor> = startOf(compiled);
  const names = compiled.parameters.map(({ name }) => name);
  const losses: number[] = [];
  const norms: number[] = [];
  for (const [k, batch] of batches.entries()) {
    const parameters = Object.fromEntries(names.map((name) => [name, state[name]!]));
    const found = await runSession(training, { ...batch, ...parameters });
    const gradients = names.map((name) => [`${name}.grad`, float(found[`${name}.grad`]!)]);
    const updated = await runSession(optimizer, {
      ...state,
      ...Object.fromEntries(gradients),
      learning_rate: scalarTensor('float32', RATES[k]!),
      step: scalarTensor('int64', FIRST_STEP + k),
    });
    losses.push(found.loss!.values[0]!);
    norms.push(updated.grad_norm!.values[0]!);
    state = Object.fromEntries(
      Object.keys(state).map((name) => [name, float(updated[`${name}.out`]!)]),
    );
  }
  return { losses, norms, state };
}

/** All steps by train_loop. */
async function together(compiled: CompiledArtifacts, batches: readonly Tensors[]) {
  const stacked = Object.entries(batches[0]!).map(([name, { type, dims }]) => {
    const values = batches.flatMap((batch) => numbers(batch[name]));
    const shape = [batches.length, ...dims];
    const tensor =
      type === 'int64' ? intTensor(shape, values) : floatTensor(shape, Float32Array.from(values));
    return [name, tensor] as const;
  });
  const session = await sessionOf(compiled.loop.graph);
  const start = startOf(compiled);
  const found = await runSession(session, {
    ...Object.fromEntries(stacked),
    ...start,
    learning_rates: floatTensor([batches.length], Float32Array.from(RATES)),
    step: scalarTensor('int64', FIRST_STEP),
  });
  return {
    losses: found.losses!.values,
    norms: found.grad_norms!.values,
    state: Object.fromEntries(
      Object.keys(start).map((name) => [name, float(found[`${name}.out`]!)]),
    ),
  };
}

async function expectSame(compiled: CompiledArtifacts, batches: readonly Tensors[]) {
  verify(compiled.loop.graph);
  const wanted = await separately(compiled, batches);
  const found = await together(compiled, batches);
  const relative = (a: readonly number[], b: readonly number[]) =>
    maxDifference(a, b) / Math.max(...b.map(Math.abs));
  expect(found.losses).toHaveLength(batches.length);
  expect(relative(found.losses, wanted.losses)).toBeLessThan(1e-6);
  expect(relative(found.norms, wanted.norms)).toBeLessThan(1e-6);
  for (const [name, tensor] of Object.entries(wanted.state)) {
    const error = relative(numbers(found.state[name]), numbers(tensor));
    expect({ name, ok: error < 1e-6, error }).toEqual({ name, ok: true, error });
  }
}

it('the file of K steps has the newer version of the two graphs that it is made of', () => {
  const forward = tinyDistilbert();
  forward.irVersion = 10;
  const { training, optimizer, loop } = compileArtifacts(forward, compileOptions);
  expect([training, optimizer, loop].map(({ irVersion }) => irVersion)).toEqual([10, 8, 10]);
});

describe('train_loop', () => {
  it('does four steps of training_model and optimizer_model, from any step on', async () => {
    const random = new Random(3);
    const batches = RATES.map(() => batchTensors(toyBatch(random, 6)));
    await expectSame(compileTiny({ posWeight: [2, 3] }), batches);
  });

  it('does so with frozen parameters, which are no part of its state', async () => {
    const random = new Random(3);
    const compiled = compileTiny({ frozen: ['*embeddings*', '*layer.0*'] });
    expect(compiled.loop.graph.inputs.some(({ name }) => name.includes('embeddings'))).toBe(false);
    await expectSame(
      compiled,
      RATES.map(() => batchTensors(toyBatch(random, 6))),
    );
  });

  it("does so for a graph of an operator set newer than the optimizer's", async () => {
    const model = await readModel(fixturePath('graphs/distilbert/dynamo-op20-sdpa-base.onnx'));
    const compiled = compileArtifacts(model, { ...compileOptions, head: 'mlp', labels: 2 });
    const random = new Random(3);
    await expectSame(
      compiled,
      RATES.map(() => batchTensors(toyBatch(random, 3))),
    );
  });

  it('does so for an exported graph', async () => {
    const { curve } = readFixtureJson<{ curve: { weight_decay: number; max_grad_norm: number } }>(
      'reference/distilbert-fresh.json',
    );
    const reference = await readReference('reference/distilbert-fresh.safetensors');
    const model = await readModel(
      fixturePath('graphs/distilbert-fresh/legacy-op17-sdpa-head.onnx'),
    );
    const compiled = compileArtifacts(model, {
      head: 'keep',
      dropout: 0,
      weightDecay: curve.weight_decay,
      maxGradNorm: curve.max_grad_norm,
      seed: 1,
    });
    const batchOf = (k: number): Tensors =>
      Object.fromEntries(
        [...compiled.inputs, 'labels'].map((name) => {
          const all = tensorNamed(reference, `curve/batch/${name}`);
          const dims = all.dims.slice(1);
          const size = dims.reduce((n, d) => n * d, 1);
          const values = numbers(all).slice(k * size, (k + 1) * size);
          const tensor =
            all.type === 'int64'
              ? intTensor(dims, values)
              : floatTensor(dims, Float32Array.from(values));
          return [name, tensor];
        }),
      );
    await expectSame(
      compiled,
      RATES.map((_, k) => batchOf(k)),
    );
  });

  it('has inputs and outputs under the documented names, with K in front of what is stacked', () => {
    const { loop, parameters } = compileTiny();
    const shapes = (values: typeof loop.graph.inputs) =>
      Object.fromEntries(values.map(({ name, shape }) => [name, shape?.map(String).join()]));
    const inputs = shapes(loop.graph.inputs);
    expect(inputs).toMatchObject({
      input_ids: 'steps,batch,sequence',
      attention_mask: 'steps,batch,sequence',
      labels: 'steps,batch,2',
      learning_rates: 'steps',
      step: '',
      'head.out.weight.exp_avg_sq': '8,2',
    });
    const state = parameters.flatMap(({ name }) => KINDS.map((kind) => name + kind));
    expect(Object.keys(inputs).sort()).toEqual(
      [...state, 'input_ids', 'attention_mask', 'labels', 'learning_rates', 'step'].sort(),
    );
    expect(Object.keys(shapes(loop.graph.outputs)).sort()).toEqual(
      [...state.map((name) => `${name}.out`), 'losses', 'grad_norms'].sort(),
    );
  });

  it('skips steps whose gradients overflow float16, and goes on with a smaller loss scale', async () => {
    const compiled = compileTiny({ precision: 'fp16' });
    verify(compiled.loop.graph);
    const batch = batchTensors(toyBatch(new Random(3), 6));
    const stacked = Object.entries(batch).map(([name, { type, dims, bytes }]) => {
      const twice = new Uint8Array(Buffer.concat([bytes, bytes]));
      return [name, { type, dims: [2, ...dims], bytes: twice }];
    });
    const start = startOf(compiled);
    const found = await runSession(await sessionOf(compiled.loop.graph), {
      ...Object.fromEntries(stacked),
      ...start,
      learning_rates: floatTensor([2], Float32Array.of(1e-3, 1e-3)),
      step: scalarTensor('int64', 5),
      loss_scale: scalarTensor('float32', 2 ** 120),
      good_steps: scalarTensor('float32', 7),
    });
    expect(found.losses!.values.every(Number.isFinite)).toBe(true);
    expect(found.grad_norms!.values.some(Number.isFinite)).toBe(false);
    expect(found['loss_scale.out']!.values).toEqual([2 ** 118]);
    expect(found['good_steps.out']!.values).toEqual([0]);
    expect(found['step.out']!.values).toEqual([5]);
    for (const [name, tensor] of Object.entries(start))
      expect(found[`${name}.out`]!.values).toEqual(numbers(tensor));
  });

  it('gives every iteration a dropout mask of its own, the same ones in every new session', async () => {
    const compiled = compileTiny({ dropout: 0.4 });
    const batch = batchTensors(toyBatch(new Random(3), 6));
    const still = RATES.map(() => 0);
    const losses = async () => {
      const session = await sessionOf(compiled.loop.graph);
      const stacked = Object.entries(batch).map(([name, { type, dims, bytes }]) => [
        name,
        {
          type,
          dims: [4, ...dims],
          bytes: new Uint8Array(Buffer.concat([bytes, bytes, bytes, bytes])),
        },
      ]);
      const found = await runSession(session, {
        ...Object.fromEntries(stacked),
        ...startOf(compiled),
        learning_rates: floatTensor([4], Float32Array.from(still)),
        step: scalarTensor('int64', 1),
      });
      return found.losses!.values;
    };
    const first = await losses();
    expect(new Set(first).size).toBe(4);
    expect(await losses()).toEqual(first);
  });
});
