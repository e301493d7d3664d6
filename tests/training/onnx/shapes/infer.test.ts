import { describe, expect, it } from '@jest/globals';
import { int as intAttribute } from '../../../../training/onnx/attributes.ts';
import { GraphBuilder } from '../../../../training/onnx/builder.ts';
import { formatShape, symbolicDim } from '../../../../training/onnx/dim.ts';
import { Graph } from '../../../../training/onnx/graph.ts';
import { inferGraph, inferNode } from '../../../../training/onnx/shapes/infer.ts';
import { floatTensor } from '../../../../training/onnx/tensor.ts';
import { differencesFromRuntime } from '../../../support/inferred-shapes.ts';

const [b, s] = [symbolicDim('b'), symbolicDim('s')];

function start() {
  const graph = new Graph('test', { opset: 17 });
  return { graph, builder: new GraphBuilder(graph) };
}

describe('shape computations', () => {
  it('follows an exporter’s Expand target through Concat, Equal and Where', async () => {
    const { graph, builder } = start();
    const x = graph.addInput('x', 'float32', [b, s]);
    const shape = builder.op('Shape', [x]);
    const batch = builder.op('Gather', [shape, builder.ints([0])]);
    const target = builder.op('Concat', [batch, builder.ints([-1, 4])], { axis: 0 });
    const ones = builder.op('ConstantOfShape', [builder.ints([3])], {
      value: {
        kind: 'tensor',
        value: { type: 'int64', dims: [1], bytes: new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]) },
      },
    });
    const open = builder.op('Equal', [target, builder.mul(ones, builder.ints([-1]))]);
    const wanted = builder.op('Where', [open, ones, target]);
    const expanded = builder.op('Expand', [builder.unsqueeze(x, [2]), wanted]);
    expect(formatShape(expanded.shape)).toBe('[b, s, 4]');
    expect(
      await differencesFromRuntime(graph, [
        { b: 2, s: 5 },
        { b: 3, s: 1 },
      ]),
    ).toEqual([]);
  });

  it('keeps sums and products of dimensions apart from unknown ones', async () => {
    const { graph, builder } = start();
    const x = graph.addInput('x', 'float32', [b, s, 6]);
    const shape = builder.op('Shape', [x]);
    const product = builder.op('ReduceProd', [shape], { keepdims: 1 });
    const flat = builder.op('Reshape', [x, product]);
    const half = builder.op('Div', [
      builder.op('Gather', [shape, builder.ints([2])]),
      builder.ints([2]),
    ]);
    const range = builder.op('Range', [
      builder.constant({ type: 'int64', dims: [], bytes: new Uint8Array(8) }),
      builder.squeeze(builder.op('Gather', [shape, builder.ints([1])]), [0]),
      builder.constant({
        type: 'int64',
        dims: [],
        bytes: new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]),
      }),
    ]);
    expect(formatShape(flat.shape)).toBe('[6*b*s]');
    expect(half.content).toEqual([3]);
    expect(formatShape(range.shape)).toBe('[s]');
    expect(
      await differencesFromRuntime(graph, [
        { b: 2, s: 5 },
        { b: 3, s: 1 },
      ]),
    ).toEqual([]);
  });

  it('ends a slice with the axis where its computed end lies beyond', async () => {
    const { graph, builder } = start();
    const x = graph.addInput('x', 'float32', [b, s]);
    const size = builder.op('Gather', [builder.op('Shape', [x]), builder.ints([1])]);
    const beyond = builder.op('Add', [size, builder.ints([2])]);
    const from = (first: number) =>
      builder.op('Slice', [x, builder.ints([first]), beyond, builder.ints([1])]);
    expect(formatShape(from(0).shape)).toBe('[b, s]');
    expect(formatShape(from(1).shape)).toBe('[b, s+-1]');
    expect(await differencesFromRuntime(graph, [{ b: 2, s: 5 }])).toEqual([]);
  });

  it('does not take two unknown dimensions for the same', () => {
    const { graph, builder } = start();
    const x = graph.addInput('x', 'float32', [b, s]);
    const [first, second] = [builder.op('NonZero', [x]), builder.op('NonZero', [x])];
    expect(String(first.shape?.[1])).not.toBe(String(second.shape?.[1]));
    inferGraph(graph);
    expect(String(first.shape?.[1])).not.toBe(String(second.shape?.[1]));
  });
});

describe('what a file declares', () => {
  it('is kept where it is more precise', () => {
    const { graph, builder } = start();
    const x = graph.addInput('x', 'float32', [b, s]);
    const nonZero = builder.op('NonZero', [x]);
    nonZero.shape = [2, 7];
    inferGraph(graph);
    expect(nonZero.shape).toEqual([2, 7]);
  });

  it('gives way to a number', () => {
    const { graph } = start();
    const x = graph.addInput('x', 'float32', [b, 4]);
    const node = graph.addNode({ op: 'Relu', inputs: [x], outputs: ['y'] });
    node.outputs[0]!.shape = [symbolicDim('rows'), symbolicDim('columns')];
    inferNode(node);
    expect(formatShape(node.outputs[0]?.shape)).toBe('[b, 4]');
  });

  it.each([
    ['rank', [b], undefined, /Relu "y".*declared as \[b\] but is \[b, 4\]/],
    ['dimension', [b, 5], undefined, /Relu "y".*declared as \[b, 5\] but is \[b, 4\]/],
    ['type', undefined, 'int64', /Relu "y".*declared as int64 but is float32/],
  ] as const)('of a wrong %s is an error that names the node', (_, shape, type, message) => {
    const { graph } = start();
    const x = graph.addInput('x', 'float32', [b, 4]);
    const node = graph.addNode({ op: 'Relu', inputs: [x], outputs: ['y'] });
    node.outputs[0]!.shape = shape;
    node.outputs[0]!.type = type;
    expect(() => inferNode(node)).toThrow(message);
  });
});

describe('operands that do not fit', () => {
  it.each([
    ['MatMul', [b, 4], [5, 3], {}, /MatMul "n".*\[b, 4\] and \[5, 3\]/],
    ['Add', [b, 4], [5], {}, /Add "n".*\[b, 4\] and \[5\] do not broadcast/],
    ['Concat', [b, 4], [b, 5], { axis: 0 }, /Concat "n".*4 and 5 long on axis 1/],
    ['Gather', [4], [b], { axis: 1 }, /Gather "n".*axis 1 does not exist/],
  ])('of %s are an error that names the node', (op, left, right, attributes, message) => {
    const { graph, builder } = start();
    const x = graph.addInput('x', 'float32', left);
    const y = graph.addInput('y', 'float32', right);
    expect(() => builder.op(op, [x, y], attributes, { name: 'n' })).toThrow(message);
  });

  it('of Reshape are an error that names both shapes', () => {
    const { graph, builder } = start();
    const x = graph.addInput('x', 'float32', [2, 3]);
    expect(() => builder.reshape(x, [4, 2])).toThrow(/\[2, 3\] cannot become \[4, 2\]/);
  });
});

describe('control flow', () => {
  it('knows an If’s output where both branches agree', async () => {
    const { graph } = start();
    const condition = graph.addInput('condition', 'bool', []);
    const x = graph.addInput('x', 'float32', [b, 4]);
    const branch = (op: string) => {
      const body = new Graph(op, { outer: graph });
      const node = body.addNode({ op, inputs: [x], outputs: [`${op}_y`] });
      body.outputs.push(node.outputs[0]!);
      return { kind: 'graph', value: body } as const;
    };
    const attributes = new Map([
      ['then_branch', branch('Relu')],
      ['else_branch', branch('Neg')],
    ]);
    const node = graph.addNode({ op: 'If', inputs: [condition], outputs: ['y'], attributes });
    inferGraph(graph);
    expect(node.outputs[0]?.type).toBe('float32');
    expect(formatShape(node.outputs[0]?.shape)).toBe('[b, 4]');
    expect(await differencesFromRuntime(graph, [{ b: 3 }], { condition: [1] })).toEqual([]);
  });

  it('keeps a carried value’s shape through a Loop and stacks the scanned ones', async () => {
    const { graph, builder } = start();
    const x = graph.addInput('x', 'float32', [b, 4]);
    const body = new Graph('body', { outer: graph });
    body.addInput('i', 'int64', []);
    const condition = body.addInput('go', 'bool', []);
    const carried = body.addInput('carried', 'float32', [b, 4]);
    const inner = new GraphBuilder(body);
    body.outputs.push(
      inner.identity(condition),
      inner.add(carried, x),
      inner.op('ReduceMax', [carried], { keepdims: 0 }),
    );
    const trips = builder.constant({
      type: 'int64',
      dims: [],
      bytes: new Uint8Array([3, 0, 0, 0, 0, 0, 0, 0]),
    });
    const outputs = builder.node(
      'Loop',
      [trips, undefined, x],
      { body: { kind: 'graph', value: body } },
      { outputs: ['last', 'maxima'] },
    );
    expect(outputs.map((value) => formatShape(value.shape).replaceAll(/\?[\d.]+/g, '?'))).toEqual([
      '[b, 4]',
      '[?]',
    ]);
    expect(await differencesFromRuntime(graph, [{ b: 2 }])).toEqual([]);
  });

  it('slices and stacks what a Scan goes through', async () => {
    const { graph, builder } = start();
    const total = builder.constant(floatTensor([4], new Float32Array(4)));
    const x = graph.addInput('x', 'float32', [s, 4]);
    const body = new Graph('body', { outer: graph });
    const sum = body.addInput('sum', 'float32', [4]);
    const row = body.addInput('row', 'float32', undefined);
    const attributes = {
      body: { kind: 'graph', value: body } as const,
      num_scan_inputs: intAttribute(1),
    };
    row.shape = [4];
    const next = new GraphBuilder(body).add(sum, row);
    body.outputs.push(next, new GraphBuilder(body).identity(next));
    const outputs = builder.node('Scan', [total, x], attributes, { outputs: ['total', 'sums'] });
    expect(outputs.map((value) => formatShape(value.shape))).toEqual(['[4]', '[s, 4]']);
    expect(await differencesFromRuntime(graph, [{ s: 5 }])).toEqual([]);
  });

  it.each([
    ['backwards', { scan_input_directions: [1], scan_output_directions: [1] }, ['[4]', '[s, 4]']],
    ['along the last axis', { scan_input_axes: [1] }, ['[s]', 'unknown']],
    ['into the last axis', { scan_output_axes: [1] }, ['[4]', 'unknown']],
    ['two inputs', { num_scan_inputs: 2 }, ['[s, 4]']],
  ] as const)(
    'a Scan that goes %s contradicts the runtime in nothing',
    async (_, attributes, shapes) => {
      const { graph, builder } = start();
      const along = 'scan_input_axes' in attributes;
      const isStateless = 'num_scan_inputs' in attributes;
      const x = graph.addInput('x', 'float32', [s, 4]);
      const zero = along
        ? builder.op('ReduceSum', [x, builder.ints([1])], { keepdims: 0 })
        : builder.constant(floatTensor([4], new Float32Array(4)));
      const body = new Graph('body', { outer: graph });
      const width = along ? s : 4;
      const isPlain = !along && !('scan_output_axes' in attributes);
      const sum = body.addInput('sum', 'float32', [width]);
      const row = body.addInput('row', 'float32', isPlain ? undefined : [width]);
      const next = new GraphBuilder(body).add(sum, row);
      body.outputs.push(...(isStateless ? [next] : [next, new GraphBuilder(body).identity(next)]));
      const outputs = builder.node(
        'Scan',
        [isStateless ? x : zero, x],
        { body: { kind: 'graph', value: body }, num_scan_inputs: 1, ...attributes },
        { outputs: isStateless ? ['sums'] : ['total', 'sums'] },
      );
      expect(outputs.map((value) => (value.shape ? formatShape(value.shape) : 'unknown'))).toEqual(
        shapes,
      );
      expect(await differencesFromRuntime(graph, [{ s: 5 }, { s: 4 }])).toEqual([]);
    },
  );
});
