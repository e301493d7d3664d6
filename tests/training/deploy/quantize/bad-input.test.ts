import { describe, expect, it } from '@jest/globals';
import { quantizeModel, schemes } from '../../../../training/deploy/quantize/quantize-model.ts';
import { GraphBuilder } from '../../../../training/onnx/builder.ts';
import { decodeModel, encodeModel } from '../../../../training/onnx/codec/index.ts';
import { symbolicDim } from '../../../../training/onnx/dim.ts';
import { Graph } from '../../../../training/onnx/graph.ts';
import { type Model, newModel } from '../../../../training/onnx/model.ts';
import { floatTensor, tensorOf } from '../../../../training/onnx/tensor.ts';

/** x [rows, 32] → product with `w` → an operator of somebody else's → product with `v` → y [rows, 32]. */
function modelOf({ opset = 17, weight = 0.5 } = {}): Model {
  const graph = new Graph('test', { opset });
  graph.opsets.set('org.example', 3);
  const b = new GraphBuilder(graph);
  const matrix = (name: string) =>
    graph.addInitializer(
      name,
      floatTensor(
        [32, 32],
        Float32Array.from({ length: 1024 }, (_, i) => weight * Math.sin(i)),
      ),
    );
  const x = graph.addInput('x', 'float32', [symbolicDim('rows'), 32]);
  const strange = b.op(
    'Mystery',
    [b.matMul(x, matrix('w'))],
    { depth: 3 },
    { domain: 'org.example', name: 'the mystery' },
  );
  strange.type = 'float32';
  strange.shape = [symbolicDim('rows'), 32];
  const y = b.matMul(strange, matrix('v'));
  graph.rename(y, 'y');
  graph.outputs.push(y);
  return newModel(graph);
}

const refusal = (message: RegExp) =>
  expect.objectContaining({ code: 'model_invalid', message: expect.stringMatching(message) });

describe.each(schemes)('quantizing to %s', (scheme) => {
  it('lets an operator that nobody knows through as it is, between quantized layers', () => {
    const { model, layers } = quantizeModel(modelOf(), { scheme });
    expect(layers.map(({ name }) => name)).toEqual(['w', 'v']);
    const { graph } = decodeModel(encodeModel(model));
    const mystery = [...graph.nodes].find(({ op }) => op === 'Mystery');
    expect(mystery).toMatchObject({ name: 'the mystery', domain: 'org.example' });
    expect([mystery?.int('depth'), mystery?.inputs.length]).toEqual([3, 1]);
    expect(graph.opsets.get('org.example')).toBe(3);
    // Whoever made it wrote it for float32.
    const [given] = [...model.graph.nodes].flatMap((n) => (n.op === 'Mystery' ? n.inputs : []));
    expect(given?.type).toBe('float32');
  });

  it('keeps names, types and shapes of inputs and outputs', () => {
    const { graph } = decodeModel(encodeModel(quantizeModel(modelOf(), { scheme }).model));
    const ports = [...graph.inputs, ...graph.outputs];
    expect(ports.map(({ name, type, shape }) => [name, type, shape?.map(String)])).toEqual([
      ['x', 'float32', ['rows', '32']],
      ['y', 'float32', ['rows', '32']],
    ]);
  });

  it.each(schemes)('refuses a model that is in %s already', (before) => {
    const small = decodeModel(encodeModel(quantizeModel(modelOf(), { scheme: before }).model));
    expect(() => quantizeModel(small, { scheme })).toThrow(refusal(/quantized already: it holds/));
  });

  it.each([12, 27])('refuses operator set %d, naming those that it takes', (opset) => {
    expect(() => quantizeModel(modelOf({ opset }), { scheme })).toThrow(
      refusal(new RegExp(`set ${opset}; 13 to 26`)),
    );
  });

  it('refuses a graph without weights', () => {
    const graph = new Graph('empty', { opset: 17 });
    const x = graph.addInput('x', 'float32', [2, 2]);
    graph.addInitializer('whole', tensorOf('int32', [1, 1], Int32Array.of(1)));
    graph.outputs.push(new GraphBuilder(graph).mul(x, x));
    expect(() => quantizeModel(newModel(graph), { scheme })).toThrow(
      refusal(/"empty" has nothing to quantize/),
    );
  });

  it('refuses weights that are not finite, by name', () => {
    expect(() => quantizeModel(modelOf({ weight: Number.NaN }), { scheme })).toThrow(
      refusal(/the weight "w" holds numbers that are not finite/),
    );
  });
});
