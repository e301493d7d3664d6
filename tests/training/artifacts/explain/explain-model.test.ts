import { describe, expect, it } from '@jest/globals';
import {
  compileArtifacts,
  explainModel,
  inferenceModel,
} from '../../../../training/artifacts/index.ts';
import { encodeModel } from '../../../../training/onnx/codec/index.ts';
import { formatShape, symbolicDim } from '../../../../training/onnx/dim.ts';
import { Graph } from '../../../../training/onnx/graph.ts';
import { newModel } from '../../../../training/onnx/model.ts';
import { elementsOf, floatTensor, intTensor } from '../../../../training/onnx/tensor.ts';
import { problemsOf } from '../../../../training/onnx/verify.ts';
import { Random } from '../../../../training/random.ts';
import { numbers } from '../../../support/reference-tensors.ts';
import { runSession, sessionOf } from '../../../support/run-graph.ts';
import {
  batchTensors,
  compileOptions,
  tinyDistilbert,
  toyBatch,
} from '../../../support/tiny-distilbert.ts';

/** Our own encoder with the task head: nothing on the path has a kink. */
const classifier = (labels = 3) => {
  const base = tinyDistilbert();
  const compiled = compileArtifacts(base, { ...compileOptions, labels });
  return inferenceModel(base, compiled, compiled.initial);
};
const batch = () => {
  const { labels: _, ...inputs } = batchTensors(toyBatch(new Random(3), 3));
  return inputs;
};
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

describe('an explain graph', () => {
  it('has the forward graph’s inputs and the documented outputs, of the default domain', () => {
    const { graph } = explainModel(classifier());
    const describeAll = (values: Graph['inputs']) =>
      values.map(({ name, type, shape }) => `${name} ${type} ${formatShape(shape)}`);
    expect(describeAll(graph.inputs)).toEqual([
      'input_ids int64 [batch, sequence]',
      'attention_mask int64 [batch, sequence]',
    ]);
    expect(describeAll(graph.outputs)).toEqual([
      'logits float32 [batch, 3]',
      'attributions float32 [batch, 3, sequence]',
      'integrated_gradients float32 [batch, 3, sequence]',
      'baseline_logits float32 [batch, 3]',
    ]);
    expect(problemsOf(graph)).toEqual([]);
    expect([...graph.opsets.keys()]).toEqual(['']);
  });

  it('adds up to the difference of the logits within 1 % as it comes, axis by axis', async () => {
    const { graph } = explainModel(classifier(), { kept: [2] });
    const results = await runSession(await sessionOf(graph), batch());
    const { integrated_gradients: integrated, logits, baseline_logits: baseline } = results;
    logits!.values.forEach((logit, cell) => {
      const difference = logit - baseline!.values[cell]!;
      const total = sum(integrated!.values.slice(cell * 8, (cell + 1) * 8));
      expect(Math.abs(total - difference)).toBeLessThan(0.01 * Math.abs(difference) + 1e-5);
    });
  });

  it('takes the baseline’s logits from word embeddings of zero', async () => {
    const model = classifier();
    const { graph } = explainModel(model, { steps: 3 });
    const { baseline_logits: baseline } = await runSession(await sessionOf(graph), batch());
    const table = [...model.graph.values.values()].find(({ name }) =>
      name.endsWith('word_embeddings.weight'),
    )!;
    table.initializer = floatTensor(
      table.initializer!.dims,
      new Float32Array(table.initializer!.bytes.length / 4),
    );
    const { logits } = await runSession(await sessionOf(model.graph), batch());
    baseline!.values.forEach((value, i) => {
      // The same operators on the same numbers; the last layer is computed for [CLS] alone.
      expect(value).toBeCloseTo(logits!.values[i]!, 5);
    });
  });

  it('has gradients that match finite differences of the embedding', async () => {
    const model = classifier();
    const inputs = batch();
    const { graph } = explainModel(model, { steps: 0 });
    const { attributions } = await runSession(await sessionOf(graph), inputs);
    const ids = Array.from(elementsOf(inputs.input_ids!), Number);
    const table = [...model.graph.values.values()].find(({ name }) =>
      name.endsWith('word_embeddings.weight'),
    )!;
    const { dims } = table.initializer!;
    const weights = Float32Array.from(elementsOf(table.initializer!) as Float32Array);
    const step = 1e-2;
    // Scaling the row of one word by 1 ± step moves the logits by the sum of its attributions.
    const logitsAt = async (id: number, scale: number) => {
      const [, width = 0] = dims;
      table.initializer = floatTensor(
        dims,
        weights.map((w, i) => (Math.floor(i / width) === id ? w * scale : w)),
      );
      return (await runSession(await sessionOf(model.graph), inputs)).logits!.values;
    };
    for (const id of new Set(ids.slice(0, 8).filter((one) => one > 0))) {
      const up = await logitsAt(id, 1 + step);
      const down = await logitsAt(id, 1 - step);
      up.forEach((high, cell) => {
        const row = Math.floor(cell / 3);
        const wanted = (high - down[cell]!) / (2 * step);
        const found = sum(
          Array.from({ length: 8 }, (_, at) =>
            ids[row * 8 + at] === id ? attributions!.values[cell * 8 + at]! : 0,
          ),
        );
        // float32 logits over a step of 1e-2, and its square.
        expect(Math.abs(found - wanted)).toBeLessThan(3e-4);
      });
    }
  });

  it('is the same bytes for the same model, which stays as it was', () => {
    const model = classifier();
    const before = encodeModel(model);
    const bytes = encodeModel(explainModel(model));
    expect(encodeModel(model)).toEqual(before);
    expect(encodeModel(explainModel(classifier()))).toEqual(bytes);
  });

  it('takes the baseline’s vectors from the token that is named', async () => {
    const model = classifier();
    const { graph } = explainModel(model, { steps: 3, baseline: 9, kept: [2] });
    const inputs = batch();
    const { baseline_logits: baseline } = await runSession(await sessionOf(graph), inputs);
    const ids = numbers(inputs.input_ids).map((id) => (id === 2 ? 2 : 9));
    const replaced = { ...inputs.input_ids!, ...intTensor([ids.length], ids), dims: [3, 8] };
    const { logits } = await runSession(await sessionOf(model.graph), {
      ...inputs,
      input_ids: replaced,
    });
    baseline!.values.forEach((value, i) => {
      // x − (x − baseline) rounds.
      expect(value).toBeCloseTo(logits!.values[i]!, 5);
    });
  });

  it.each([
    ['no lookup by token', false, /no token embedding/],
    ['logits of unknown width', true, /known number of axes/],
  ])('is refused for a graph with %s', (_name, lookup, message) => {
    const graph = new Graph('odd');
    const shape = [symbolicDim('batch'), symbolicDim('sequence')];
    const ids = graph.addInput('input_ids', 'int64', shape);
    const table = graph.addInitializer('table', floatTensor([4, 2], new Float32Array(8)));
    const axes = graph.addInitializer('axes', intTensor([1], [2]));
    const positions = graph.addInitializer('positions', intTensor([1, 1], [0]));
    graph.addNode({ op: 'Gather', inputs: [table, lookup ? ids : positions], outputs: ['e'] });
    graph.addNode({ op: 'ReduceSum', inputs: [graph.find('e'), axes], outputs: ['s'] });
    graph.addNode({ op: 'Flatten', inputs: [graph.find('s')], outputs: ['logits'] });
    graph.outputs.push(graph.find('logits')!);
    expect(() => explainModel(newModel(graph))).toThrow(message);
  });
});
