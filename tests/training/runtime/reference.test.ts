import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type CompiledArtifacts, compileArtifacts } from '../../../training/artifacts/index.ts';
import type { Batch } from '../../../training/data/index.ts';
import { readModel } from '../../../training/onnx/codec/index.ts';
import type { Model } from '../../../training/onnx/model.ts';
import { elementCount, elementsOf, type Tensor } from '../../../training/onnx/tensor.ts';
import { createExecutor, type Executor } from '../../../training/runtime/index.ts';
import {
  fixturePath,
  maxDifference,
  numbers,
  readFixtureJson,
  readReference,
  tensorNamed,
  transposed,
  under,
} from '../../support/reference-tensors.ts';
import { runSession, sessionOf } from '../../support/run-graph.ts';

const about = readFixtureJson<{
  zero_gradient: string[];
  curve: { weight_decay: number; max_grad_norm: number };
}>('reference/distilbert-fresh.json');
const options = {
  head: 'keep',
  dropout: 0,
  weightDecay: about.curve.weight_decay,
  maxGradNorm: about.curve.max_grad_norm,
  seed: 1,
} as const;

let reference: ReadonlyMap<string, Tensor>;
let model: Model;
beforeAll(async () => {
  reference = await readReference('reference/distilbert-fresh.safetensors');
  model = await readModel(fixturePath('graphs/distilbert-fresh/legacy-op17-sdpa-head.onnx'));
});

/** Values in PyTorch's layout: this export holds the encoder's linear weights as [in, out], its Gemms' as [out, in]. */
const torchLayout = (name: string, values: Tensor): number[] =>
  /(_lin|lin\d)\.weight$/.test(name) ? transposed(values) : numbers(values);

const norm = (values: readonly number[], minus?: readonly number[]): number =>
  Math.hypot(...values.map((x, i) => x - (minus?.[i] ?? 0)));

describe('an exported DistilBERT against PyTorch', () => {
  it.each(['', '_pos_weight'])(
    'has its logits, loss and gradients%s, with padding',
    async (key) => {
      const weights = numbers(tensorNamed(reference, 'pos_weight'));
      const posWeight = key === '' ? undefined : weights;
      const compiled = compileArtifacts(model, { ...options, posWeight });
      const wanted = under(reference, `grad${key}/`);
      expect(compiled.parameters.map(({ name }) => name).sort()).toEqual([...wanted.keys()].sort());
      const results = await runSession(await sessionOf(compiled.training.graph), {
        ...Object.fromEntries(under(reference, 'batch/')),
        ...Object.fromEntries(compiled.initial),
      });
      const logits = numbers(tensorNamed(reference, 'logits'));
      expect(maxDifference(results.logits!.values, logits)).toBeLessThan(1e-6);
      const loss = numbers(tensorNamed(reference, `loss${key}`));
      expect(maxDifference(results.loss!.values, loss)).toBeLessThan(1e-6);

      const peaks = [...wanted.values()].map((t) => Math.max(...numbers(t).map(Math.abs)));
      const floor = 0.01 * peaks.sort((a, b) => a - b)[peaks.length >> 1]!;
      for (const [name, tensor] of wanted) {
        const found = results[`${name}.grad`]!;
        const type = 'float32';
        const bytes = new Uint8Array(Float32Array.from(found.values).buffer);
        const gradient = torchLayout(name, { type, dims: found.dims, bytes });
        const values = numbers(tensor);
        const scale = Math.max(floor, ...values.map(Math.abs));
        const error = maxDifference(gradient, values) / scale;
        expect({ name, ok: error < 1e-4, error }).toEqual({ name, ok: true, error });
      }
    },
  );
});

describe.each([
  ['distilbert', 50],
  ['distilbert-fresh', 20],
])('the training curve of %s against PyTorch', (name, steps) => {
  let compiled: CompiledArtifacts;
  let executor: Executor;
  let curve: ReadonlyMap<string, Tensor>;
  beforeAll(async () => {
    curve = under(await readReference(`reference/${name}.safetensors`), 'curve/');
    const graph = await readModel(fixturePath(`graphs/${name}/legacy-op17-sdpa-head.onnx`));
    compiled = compileArtifacts(graph, options);
    executor = await createExecutor(compiled, { device: 'cpu', threads: 1, verbose: false });
  });
  afterAll(() => executor.dispose());

  function batchOf(step: number): Batch {
    const at = (part: string) => {
      const tensor = tensorNamed(curve, `batch/${part}`);
      const [, ...dims] = tensor.dims;
      const size = elementCount(dims);
      return { dims, elements: elementsOf(tensor).slice(step * size, (step + 1) * size) };
    };
    const { dims, elements } = at('input_ids');
    const [size = 0, length = 0] = dims;
    return {
      size,
      length,
      inputIds: elements as BigInt64Array,
      attentionMask: at('attention_mask').elements as BigInt64Array,
      labels: at('labels').elements as Float32Array,
    };
  }

  it(`has the losses, norms and final parameters of its ${steps} steps`, async () => {
    const rates = numbers(tensorNamed(curve, 'learning_rate'));
    const losses = numbers(tensorNamed(curve, 'loss'));
    const norms = numbers(tensorNamed(curve, 'grad_norm'));
    expect(rates).toHaveLength(steps);
    for (const [i, learningRate] of rates.entries()) {
      const update = { learningRate, step: i + 1 };
      const { loss, gradNorm } = await executor.trainStep(batchOf(i), update);
      expect(Math.abs(loss / losses[i]! - 1)).toBeLessThan(1e-5);
      expect(Math.abs(gradNorm / norms[i]! - 1)).toBeLessThan(1e-4);
    }
    const parameters = executor.parameters();
    const { zero_gradient } = readFixtureJson<typeof about>(`reference/${name}.json`);
    for (const [parameter, final] of under(curve, 'final/')) {
      if (zero_gradient.includes(parameter)) continue;
      const start = torchLayout(parameter, compiled.initial.get(parameter)!);
      const found = torchLayout(parameter, parameters.get(parameter)!);
      const moved = norm(numbers(final), start);
      const error = norm(found, numbers(final)) / moved;
      expect({ parameter, ok: error < 5e-4, error }).toEqual({ parameter, ok: true, error });
    }
  });
});
