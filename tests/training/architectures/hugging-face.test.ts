import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { exportFolder } from '../../../training/architectures/index.ts';
import { compileArtifacts } from '../../../training/artifacts/index.ts';
import { formatShape } from '../../../training/onnx/dim.ts';
import type { Graph } from '../../../training/onnx/graph.ts';
import { float16Bits, intTensor, type Tensor, tensorOf } from '../../../training/onnx/tensor.ts';
import { problemsOf } from '../../../training/onnx/verify.ts';
import { Random } from '../../../training/random.ts';
import {
  tinyBert,
  tinyBertTensors,
  writeHuggingFaceFolder,
} from '../../support/hugging-face-folder.ts';
import {
  fixturePath,
  maxDifference,
  numbers,
  readReference,
  tensorNamed,
  transposed,
  under,
} from '../../support/reference-tensors.ts';
import { runSession, sessionOf } from '../../support/run-graph.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { compileOptions } from '../../support/tiny-distilbert.ts';

const temporary = temporaryFolder();
const folder = (): string => mkdtempSync(join(temporary.path, 'hf-'));

type Tensors = ReadonlyMap<string, Tensor>;
const source = tinyBertTensors(new Random(1));
const without = (pattern: RegExp): Tensors =>
  new Map([...source].filter(([name]) => !pattern.test(name)));
const renamed = (change: (name: string) => string): Tensors =>
  new Map([...source].map(([name, tensor]) => [change(name), tensor]));

async function exported(config: object, ...shards: Tensors[]) {
  const path = folder();
  await writeHuggingFaceFolder(path, config, ...shards);
  return exportFolder(path);
}

const ids: Tensor = { ...intTensor([6], [2, 5, 3, 2, 7, 0]), dims: [2, 3] };
const feeds = {
  input_ids: ids,
  attention_mask: { ...intTensor([6], [1, 1, 1, 1, 1, 0]), dims: [2, 3] },
  token_type_ids: { ...intTensor([6], [0, 0, 1, 0, 1, 0]), dims: [2, 3] },
};
const output = async (graph: Graph): Promise<number[]> =>
  Object.values(await runSession(await sessionOf(graph), feeds))[0]!.values;

const parameterNames = (graph: Graph): string[] =>
  graph.initializers.map(({ name }) => name).filter((name) => /\.(weight|bias)$/.test(name));

describe.each(['distilbert', 'bert'])('%s exported from a Hugging Face folder', (name) => {
  const path = fixturePath(`models/${name}`);

  it('is a sound graph whose parameters have the checkpoint’s names', async () => {
    const { model, notes } = await exportFolder(path);
    expect(problemsOf(model.graph)).toEqual([]);
    expect(notes).toEqual([]);
    const gradients = under(await readReference(`reference/${name}.safetensors`), 'grad/');
    expect(parameterNames(model.graph).sort()).toEqual([...gradients.keys()].sort());
    const [logits] = model.graph.outputs;
    expect(`${logits?.name} ${formatShape(logits?.shape)}`).toBe('logits [batch, 4]');
  });

  it('gives PyTorch’s logits, loss and gradients, with padding', async () => {
    const { model } = await exportFolder(path);
    const { training, initial } = compileArtifacts(model, {
      ...compileOptions,
      head: 'keep',
      labels: 4,
    });
    const reference = await readReference(`reference/${name}.safetensors`);
    const results = await runSession(await sessionOf(training.graph), {
      ...Object.fromEntries(under(reference, 'batch/')),
      ...Object.fromEntries(initial),
    });
    const { logits, loss } = results;
    const expected = numbers(tensorNamed(reference, 'logits'));
    expect(maxDifference(logits!.values, expected)).toBeLessThan(1e-5);
    expect(loss!.values[0]).toBeCloseTo(numbers(tensorNamed(reference, 'loss'))[0]!, 6);
    expect(worstGradient(results, under(reference, 'grad/'))).toBeLessThan(1e-4);
  });

  it('ends in last_hidden_state where the task has another number of labels', async () => {
    const { model, notes } = await exportFolder(path, { labels: 3 });
    expect(model.graph.outputs.map((value) => value.name)).toEqual(['last_hidden_state']);
    expect(notes[0]).toMatch(/has 4 labels, not 3/);
    expect(notes[1]).toMatch(/tensors are not part of it: .*classifier\.\*/);
  });
});

/** The largest error of a parameter's gradient, relative to its size or a hundredth of the median size. */
function worstGradient(
  results: Readonly<Record<string, { values: number[] }>>,
  gradients: ReadonlyMap<string, Tensor>,
): number {
  const isTable = (name: string) => name.endsWith('embeddings.weight');
  const wanted = [...gradients].map(([name, tensor]) => ({
    name,
    values: isTable(name) ? numbers(tensor) : transposed(tensor),
  }));
  const sizes = wanted.map(({ values }) => Math.max(...values.map(Math.abs)));
  const median = [...sizes].sort((a, b) => a - b)[sizes.length >> 1]!;
  return Math.max(
    ...wanted.map(
      ({ name, values }, i) =>
        maxDifference(results[`${name}.grad`]!.values, values) / Math.max(sizes[i]!, median / 100),
    ),
  );
}

describe('a checkpoint', () => {
  const whole = exported(tinyBert, source);

  it('gives the same whole and in shards', async () => {
    const entries = [...source];
    const shards = [entries.slice(0, 7), entries.slice(7, 20), entries.slice(20)];
    const { model } = await exported(tinyBert, ...shards.map((shard) => new Map(shard)));
    expect(await output(model.graph)).toEqual(await output((await whole).model.graph));
  });

  it.each([
    ['without the model’s prefix', (name: string) => name.replace(/^bert\./, '')],
    [
      'with the old names of LayerNorm',
      (name: string) =>
        name
          .replace('LayerNorm.weight', 'LayerNorm.gamma')
          .replace('LayerNorm.bias', 'LayerNorm.beta'),
    ],
  ])('gives the same %s', async (_, change) => {
    const { model } = await exported(tinyBert, renamed(change));
    expect(await output(model.graph)).toEqual(await output((await whole).model.graph));
    expect(parameterNames(model.graph)).toEqual(parameterNames((await whole).model.graph));
  });

  it('may hold tensors of other heads and buffers, which a note names', async () => {
    const more = new Map([
      ...source,
      ['bert.embeddings.position_ids', intTensor([8], [0, 1, 2, 3, 4, 5, 6, 7])] as const,
      ['cls.predictions.bias', source.get('classifier.bias')!] as const,
    ]);
    const { model, notes } = await exported(tinyBert, more);
    expect(await output(model.graph)).toEqual(await output((await whole).model.graph));
    expect(notes).toEqual([
      '2 tensors are not part of it: bert.embeddings.position_ids, cls.predictions.bias',
    ]);
  });

  it('of a base model, or one whose head is missing, ends in last_hidden_state', async () => {
    const base = { ...tinyBert, architectures: ['BertModel'] };
    for (const [config, tensors] of [
      [base, without(/^classifier/)],
      [tinyBert, without(/^classifier/)],
      [{ ...tinyBert, architectures: ['BertForTokenClassification'] }, source],
    ] as const) {
      const { model } = await exported(config, tensors);
      const [states] = model.graph.outputs;
      expect(`${states?.name} ${formatShape(states?.shape)}`).toBe(
        'last_hidden_state [batch, sequence, 4]',
      );
      expect(parameterNames(model.graph)).not.toContain('bert.pooler.dense.weight');
    }
  });

  it('of 16-bit floats is read as float32', async () => {
    const rounded = (round: (x: number) => number): Tensors =>
      new Map(
        [...source].map(([name, { dims, ...tensor }]) => [
          name,
          tensorOf('float32', dims, Float32Array.from(numbers({ ...tensor, dims }), round)),
        ]),
      );
    const packed = (type: 'float16' | 'bfloat16', bits: (x: number) => number): Tensors =>
      new Map(
        [...source].map(([name, tensor]) => [
          name,
          tensorOf(type, tensor.dims, Uint16Array.from(numbers(tensor), bits)),
        ]),
      );
    const top = (x: number) => new Uint32Array(Float32Array.of(x).buffer)[0]! >>> 16;
    const fromTop = (x: number) => new Float32Array(Uint32Array.of(top(x) << 16).buffer)[0]!;
    const bfloat = await exported(tinyBert, packed('bfloat16', top));
    const same = await exported(tinyBert, rounded(fromTop));
    expect(await output(bfloat.model.graph)).toEqual(await output(same.model.graph));
    const half = await exported(tinyBert, packed('float16', float16Bits));
    const logits = await output((await whole).model.graph);
    expect(maxDifference(await output(half.model.graph), logits)).toBeLessThan(0.02);
  });

  it('holds linear weights as [out, in]: the graph has them as [in, out]', async () => {
    const name = 'bert.encoder.layer.0.intermediate.dense.weight';
    const { graph } = (await whole).model;
    const { dims } = graph.find(name)!.initializer!;
    expect(dims).toEqual([4, 6]);
    expect(numbers(graph.find(name)!.initializer)).toEqual(transposed(source.get(name)!));
  });
});

describe('layer_norm_eps', () => {
  it('is that of every LayerNormalization', async () => {
    const { graph } = (await exported({ ...tinyBert, layer_norm_eps: 0.5 }, source)).model;
    const norms = [...graph.nodes].filter(({ op }) => op === 'LayerNormalization');
    expect(norms.length).toBe(1 + 2 * tinyBert.num_hidden_layers);
    expect(norms.map((node) => node.float('epsilon'))).toEqual(norms.map(() => 0.5));
  });
});

describe('activations', () => {
  it.each([
    ['gelu', (x: number) => 0.5 * x * (1 + erf(x / Math.SQRT2))],
    ['relu', (x: number) => Math.max(x, 0)],
    ['gelu_new', tanhGelu],
    ['gelu_pytorch_tanh', tanhGelu],
  ])('%s is computed by its formula', async (hidden_act, formula) => {
    const { model } = await exported({ ...tinyBert, hidden_act }, source);
    const { graph } = model;
    const act = [...graph.nodes].filter(({ name }) => name.includes('intermediate_act_fn'));
    const inner = graph.find('/bert/encoder/layer.0/intermediate/dense/Add_output_0')!;
    const outer = act.at(-1)!.outputs[0]!;
    graph.outputs.splice(0, 1, inner, outer);
    const results = await runSession(await sessionOf(graph), feeds);
    const expected = results[inner.name]!.values.map(formula);
    expect(maxDifference(results[outer.name]!.values, expected)).toBeLessThan(2e-6);
  });
});

/** By its series: for the small numbers here. */
function erf(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 200; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

function tanhGelu(x: number): number {
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}
