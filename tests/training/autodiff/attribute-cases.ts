import { float } from '../../../training/onnx/attributes.ts';
import type { GraphBuilder } from '../../../training/onnx/builder.ts';
import type { Value } from '../../../training/onnx/graph.ts';
import type { FloatInput, GradientCase } from '../../support/check-gradients.ts';

type Attributes = NonNullable<Parameters<GraphBuilder['op']>[2]>;
type Rest = Partial<GradientCase>;

const x = (...shape: number[]): FloatInput => ({ shape });
const positive = (...shape: number[]): FloatInput => ({ shape, between: [0.5, 2] });
/** No two elements are nearer than a step, so that no maximum changes within it. */
const distinct = (...shape: number[]): FloatInput => ({
  shape,
  values: Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, i) => ((i * 7) % 47) / 5),
});
const points = (...values: number[]): FloatInput => ({ shape: [values.length], values });

/** float32: the runtime has its kernels for all of these. */
const one = (
  op: string,
  attributes: Attributes,
  inputs: FloatInput[],
  rest: Rest = {},
): GradientCase => ({
  inputs,
  type: 'float32',
  build: (b, floats) => b.op(op, floats, attributes),
  ...rest,
});

/** An operator with indices as its second input; what follows is float again. */
const indexed = (
  op: string,
  attributes: Attributes,
  inputs: FloatInput[],
  indices: NonNullable<GradientCase['integers']>[number],
  rest: Rest = {},
): GradientCase => ({
  inputs,
  integers: [indices],
  type: 'float32',
  opset: 18,
  build: (b, [data, ...more], [i]) => {
    if (i) i.shape = indices.shape;
    return b.op(op, [data, i, ...more], attributes);
  },
  ...rest,
});

/** The sizes of kernels and the number of channels are always known. */
const slid = (op: string, attributes: Attributes, inputs: FloatInput[], rest: Rest = {}) =>
  one(op, attributes, inputs, {
    build: (b, floats) => {
      floats.forEach((value, i) => {
        const [rows, channels, ...sizes] = inputs[i]?.shape ?? [];
        if (value.shape?.length === 1) value.shape = [rows ?? 1];
        else if (i > 0) value.shape = inputs[i]?.shape ?? [];
        else value.shape = [value.shape?.[0] ?? 1, channels ?? 1, ...value.shape!.slice(2)];
        // SAME pads depend on the length where there is a stride.
        if (i === 0 && 'auto_pad' in attributes) value.shape = [rows!, channels!, ...sizes];
      });
      return b.op(op, floats, attributes);
    },
    ...rest,
  });

const conv = (attributes: Attributes, data: number[], kernel: number[]) =>
  slid('Conv', attributes, [x(...data), x(...kernel), x(kernel[0] ?? 1)]);

const axesInput = (op: string, attributes: Attributes, input: FloatInput, axes: number[]) =>
  one(op, attributes, [input], {
    opset: 18,
    build: (b, [v]) => b.op(op, [v, b.ints(axes)], attributes),
  });

/** Kept and dropped, by attribute and by input, from the front and from the end, all of them and none. */
const reduction = (op: string, input: FloatInput): GradientCase[] => [
  ...(op === 'ReduceSum'
    ? []
    : [
        one(op, { axes: [-2], keepdims: 0 }, [input]),
        one(op, { axes: [0, 2] }, [input]),
        one(op, { axes: [1], keepdims: 1 }, [input]),
      ]),
  axesInput(op, { keepdims: 0 }, input, [-1, 0]),
  axesInput(op, { keepdims: 0, noop_with_empty_axes: 1 }, input, []),
  axesInput(op, { noop_with_empty_axes: 1 }, input, []),
  one(op, { noop_with_empty_axes: 1, keepdims: 0 }, [input], { opset: 18 }),
  one(op, { noop_with_empty_axes: 0, keepdims: 0 }, [input], { opset: 18 }),
];

const rotary = (attributes: Attributes, shape: number[], pairs: number): GradientCase =>
  one('RotaryEmbedding', attributes, [x(...shape)], {
    opset: 23,
    build: (b, [v]) => {
      const length = shape.length === 4 ? (shape[2] ?? 1) : (shape[1] ?? 1);
      const angles = Array.from({ length: 2 * length * pairs }, (_, i) => 0.4 * i - 1);
      const table = (f: (angle: number) => number): Value =>
        b.constant({
          type: 'float32',
          dims: [2, length, pairs],
          bytes: new Uint8Array(Float32Array.from(angles.map(f)).buffer),
        });
      return b.op('RotaryEmbedding', [v, table(Math.cos), table(Math.sin)], attributes);
    },
  });

/** Where a 0 can mean 0 there are no elements; that is known beforehand. */
const emptied = (from: number[], to: number[]): GradientCase =>
  one('Reshape', { allowzero: 1 }, [x(...from)], {
    build: (b, [v]) => {
      v!.shape = from;
      return b.op('Reshape', [v, b.ints(to)], { allowzero: 1 });
    },
  });

const square = (attributes: Attributes, rest: Rest = {}): GradientCase =>
  one('Attention', attributes, [x(2, 3, 8), x(2, 3, 8), x(2, 3, 8)], { opset: 23, ...rest });

/** A case or more for each attribute of a rule, with a value that is not its default; beside the cases of shapes. */
export const attributeCases: Readonly<Record<string, readonly GradientCase[]>> = {
  Attention: [
    square({ q_num_heads: 4, kv_num_heads: 4 }),
    square({ q_num_heads: 1, kv_num_heads: 1, scale: float(1.7) }),
    square({ q_num_heads: 2, kv_num_heads: 2, softmax_precision: 11 }),
  ],
  AveragePool: [
    slid('AveragePool', { kernel_shape: [3], auto_pad: 'VALID', strides: [2] }, [x(2, 2, 8)]),
    slid(
      'AveragePool',
      { kernel_shape: [2, 3], auto_pad: 'SAME_UPPER', strides: [1, 2], count_include_pad: 1 },
      [x(1, 2, 5, 6)],
    ),
    slid(
      'AveragePool',
      { kernel_shape: [2, 4], auto_pad: 'SAME_LOWER', strides: [2, 3], count_include_pad: 1 },
      [x(1, 2, 5, 7)],
    ),
    slid('AveragePool', { kernel_shape: [2, 3], dilations: [3, 2] }, [x(1, 2, 5, 7)], {
      opset: 19,
    }),
    slid(
      'AveragePool',
      { kernel_shape: [2, 3], pads: [1, 0, 0, 2], strides: [2, 1], count_include_pad: 1 },
      [x(1, 2, 5, 6)],
    ),
  ],
  CastLike: [
    one('CastLike', { round_mode: 'down' }, [x(2, 3)], {
      opset: 25,
      build: (b, [v]) =>
        b.cast(b.op('CastLike', [v, b.scalar(1, 'float64')], { round_mode: 'down' }), 'float32'),
    }),
  ],
  Celu: [one('Celu', { alpha: float(2.5) }, [points(-3.1, -0.7, 0.4, 1.9)])],
  Concat: [
    one('Concat', { axis: 1 }, [x(2, 3, 2), x(2, 1, 2)]),
    one('Concat', { axis: -3 }, [x(2, 3, 2), x(1, 3, 2)]),
  ],
  Conv: [
    conv({ auto_pad: 'SAME_UPPER', strides: [2] }, [1, 2, 8], [3, 2, 3]),
    conv({ auto_pad: 'SAME_LOWER', strides: [3, 2] }, [1, 2, 8, 7], [3, 2, 3, 4]),
    conv({ auto_pad: 'VALID', strides: [2, 3] }, [1, 2, 6, 8], [3, 2, 2, 3]),
    conv({ kernel_shape: [2, 3], pads: [0, 2, 1, 1] }, [1, 2, 4, 5], [2, 2, 2, 3]),
    // Where the sizes of W are not known, the attribute tells them.
    one('Conv', { kernel_shape: [3], pads: [1, 0] }, [x(2, 2, 5), x(3, 2, 3), x(3)]),
    conv({ group: 3, dilations: [2], strides: [2], pads: [3, 0] }, [2, 6, 9], [3, 2, 3]),
  ],
  CumSum: [0, 1, 2, -3].map((axis) =>
    one('CumSum', { exclusive: 1, reverse: axis % 2 === 0 ? 1 : 0 }, [x(2, 3, 4)], {
      build: (b, [v]) =>
        b.op('CumSum', [v, b.scalar(axis, 'int64')], {
          exclusive: 1,
          reverse: axis % 2 === 0 ? 1 : 0,
        }),
    }),
  ),
  Dropout: [one('Dropout', { seed: 3 }, [x(2, 3)])],
  Elu: [one('Elu', { alpha: float(2.5) }, [points(-3.1, -0.7, 0.4, 1.9)])],
  Flatten: [
    one('Flatten', { axis: -1 }, [x(2, 3, 4)]),
    one('Flatten', { axis: -3 }, [x(2, 3, 4)]),
    one('Flatten', { axis: 3 }, [x(2, 3, 4)]),
  ],
  Gather: [
    indexed('Gather', { axis: 2 }, [x(2, 3, 4)], { shape: [2, 2], values: [3, 0, -1, 3] }),
    indexed('Gather', { axis: -2 }, [x(2, 3, 4)], { shape: [3], values: [2, -2, 2] }),
    indexed('Gather', { axis: -3 }, [x(4, 2, 2)], { shape: [2], values: [-4, 3] }),
  ],
  GatherElements: [
    indexed('GatherElements', { axis: 1 }, [x(2, 3)], { shape: [2, 2], values: [1, 1, 0, -1] }),
    indexed('GatherElements', { axis: -2 }, [x(3, 2, 2)], {
      shape: [3, 1, 2],
      values: [1, 0, -1, 1, 0, 0],
    }),
  ],
  GatherND: [
    indexed('GatherND', { batch_dims: 2 }, [x(2, 2, 3)], {
      shape: [2, 2, 1],
      values: [2, 0, -1, 1],
    }),
  ],
  Gelu: [one('Gelu', { approximate: 'tanh' }, [x(9)], { opset: 20 })],
  Gemm: [
    one('Gemm', { alpha: float(-0.5), beta: float(2.5) }, [x(2, 3), x(3, 4), x(4)]),
    one('Gemm', { alpha: float(2), transA: 1 }, [x(3, 2), x(3, 4), x(2, 4)]),
    one('Gemm', { beta: float(0.25), transB: 1 }, [x(2, 3), x(4, 3), x(2, 1)]),
  ],
  HardSigmoid: [
    one('HardSigmoid', { alpha: float(0.5), beta: float(0.1) }, [
      points(-2, -0.5, 0.6, 1.4, 2.1, 3),
    ]),
    one('HardSigmoid', { beta: float(0.9) }, [points(-4.1, -2, 0.2, 0.8, 2)]),
  ],
  LayerNormalization: [
    one('LayerNormalization', { axis: 1, epsilon: float(0.5) }, [
      x(2, 3, 4),
      positive(3, 4),
      x(3, 4),
    ]),
    one('LayerNormalization', { axis: -2, epsilon: float(0.25) }, [
      x(2, 3, 4),
      positive(3, 4),
      x(3, 4),
    ]),
    one('LayerNormalization', { epsilon: float(0.5) }, [x(3, 4), positive(4), x(4)], {
      type: 'float64',
    }),
    one('LayerNormalization', { stash_type: 11 }, [x(3, 4), positive(4), x(4)]),
  ],
  LeakyRelu: [one('LeakyRelu', { alpha: float(-0.3) }, [points(-3.1, -0.7, 0.4, 1.9)])],
  LogSoftmax: [one('LogSoftmax', { axis: -2 }, [x(2, 3, 4)])],
  MaxPool: [
    slid('MaxPool', { kernel_shape: [3], auto_pad: 'VALID', strides: [2] }, [distinct(1, 2, 8)]),
    slid('MaxPool', { kernel_shape: [3], auto_pad: 'SAME_UPPER', strides: [2] }, [
      distinct(1, 2, 8),
    ]),
    slid('MaxPool', { kernel_shape: [2, 2], auto_pad: 'SAME_LOWER' }, [distinct(1, 2, 4, 4)]),
    slid('MaxPool', { kernel_shape: [2, 3], dilations: [2, 1] }, [distinct(1, 2, 4, 5)]),
    slid('MaxPool', { kernel_shape: [2, 3], pads: [1, 0, 0, 2] }, [distinct(1, 2, 4, 5)]),
    slid('MaxPool', { kernel_shape: [2], strides: [2], ceil_mode: 1 }, [distinct(1, 2, 5)]),
  ],
  RMSNormalization: [
    one('RMSNormalization', { axis: -2, epsilon: float(0.5) }, [x(2, 3, 4), positive(3, 4)], {
      opset: 23,
    }),
    one('RMSNormalization', { axis: 1, epsilon: float(2) }, [x(3, 4), positive(4)], { opset: 23 }),
    one('RMSNormalization', { stash_type: 11 }, [x(3, 4), positive(4)], { opset: 23 }),
  ],
  ReduceL1: reduction('ReduceL1', positive(2, 3, 4)),
  ReduceL2: reduction('ReduceL2', x(2, 3, 4)),
  ReduceLogSum: reduction('ReduceLogSum', positive(2, 3, 4)),
  ReduceLogSumExp: reduction('ReduceLogSumExp', x(2, 3, 4)),
  ReduceMax: reduction('ReduceMax', distinct(2, 3, 4)),
  ReduceMean: reduction('ReduceMean', x(2, 3, 4)),
  ReduceMin: reduction('ReduceMin', distinct(2, 3, 4)),
  ReduceProd: reduction('ReduceProd', positive(2, 3, 2)),
  ReduceSum: reduction('ReduceSum', x(2, 3, 4)),
  ReduceSumSquare: reduction('ReduceSumSquare', x(2, 3, 4)),
  Reshape: [emptied([0, 3], [3, 0]), emptied([2, 0, 3], [0, 6])],
  RotaryEmbedding: [
    rotary({ num_heads: 2 }, [2, 3, 8], 2),
    rotary({ num_heads: 4, interleaved: 1, rotary_embedding_dim: 2 }, [2, 3, 16], 1),
    rotary({ rotary_embedding_dim: 4 }, [2, 2, 3, 6], 2),
  ],
  ScatterElements: [
    indexed('ScatterElements', { axis: 1 }, [x(2, 4), x(2, 2)], {
      shape: [2, 2],
      values: [3, 1, 0, -1],
    }),
    indexed('ScatterElements', { axis: -1, reduction: 'add' }, [x(2, 3), x(2, 3)], {
      shape: [2, 3],
      values: [2, 2, 0, 1, 1, -3],
    }),
  ],
  Selu: [
    one('Selu', { alpha: float(0.8), gamma: float(1.9) }, [points(-3.1, -0.7, 0.4, 1.9)]),
    one('Selu', { gamma: float(0.5) }, [points(-3.1, -0.7, 0.4, 1.9)]),
  ],
  Softmax: [one('Softmax', { axis: -2 }, [x(2, 3, 4)])],
  Split: [
    one('Split', { axis: 1, num_outputs: 3 }, [x(2, 7)], {
      opset: 18,
      build: (b, [v]) =>
        b.node('Split', [v], { axis: 1, num_outputs: 3 }, { outputs: ['p', 'q', 'r'] }),
    }),
    one('Split', { axis: -1, num_outputs: 2 }, [x(2, 5)], {
      opset: 18,
      build: (b, [v]) =>
        b.node('Split', [v], { axis: -1, num_outputs: 2 }, { outputs: ['p', 'q'] }),
    }),
  ],
  Swish: [one('Swish', { alpha: float(-0.6) }, [x(2, 3)], { opset: 24 })],
  ThresholdedRelu: [
    one('ThresholdedRelu', { alpha: float(-0.5) }, [points(-3.1, -0.8, -0.2, 0.4, 1.9)]),
  ],
};

/** Values that a rule refuses: it names them, and no gradient comes of a node that has one. */
export const refusedAttributes: Readonly<
  Record<string, readonly [GradientCase, message: RegExp][]>
> = {
  'Attention.is_causal': [
    [square({ q_num_heads: 2, kv_num_heads: 2, is_causal: 1 }), /is_causal=1 has no rule/],
  ],
  'Attention.left_window_size': [
    [
      square({ q_num_heads: 2, kv_num_heads: 2, left_window_size: 1 }, { opset: 25 }),
      /left_window_size=1 has no rule/,
    ],
  ],
  'Attention.right_window_size': [
    [
      square({ q_num_heads: 2, kv_num_heads: 2, right_window_size: 0 }, { opset: 25 }),
      /right_window_size=0 has no rule/,
    ],
  ],
  'Attention.kv_num_heads': [
    [
      square({ q_num_heads: 2, kv_num_heads: 1 }, { inputs: [x(2, 3, 8), x(2, 3, 4), x(2, 3, 4)] }),
      /fewer heads of keys than of queries have no rule/,
    ],
    [
      square({ kv_num_heads: 1 }, { inputs: [x(2, 2, 3, 4), x(2, 1, 3, 4), x(2, 1, 3, 4)] }),
      /fewer heads of keys than of queries have no rule/,
    ],
  ],
  'Attention.q_num_heads': [
    [
      square({ q_num_heads: 2, kv_num_heads: 4 }),
      /fewer heads of keys than of queries have no rule/,
    ],
  ],
  'Attention.softcap': [
    [square({ q_num_heads: 2, kv_num_heads: 2, softcap: float(2) }), /softcap=2 has no rule/],
  ],
  'Attention.qk_matmul_output_mode': [
    [
      square({ q_num_heads: 2, kv_num_heads: 2, qk_matmul_output_mode: 1 }),
      /qk_matmul_output_mode=1 has no rule/,
    ],
  ],
  'AveragePool.ceil_mode': [
    [
      slid('AveragePool', { kernel_shape: [2], strides: [2], ceil_mode: 1 }, [x(1, 1, 5)]),
      /ceil_mode has no rule/,
    ],
  ],
  'AveragePool.count_include_pad': [
    [
      slid('AveragePool', { kernel_shape: [3], pads: [1, 1], count_include_pad: 0 }, [x(1, 1, 5)]),
      /pads that do not count have no rule/,
    ],
  ],
  'MaxPool.storage_order': [
    [
      slid('MaxPool', { kernel_shape: [2], storage_order: 1 }, [x(1, 1, 5)]),
      /storage_order=1 has no rule/,
    ],
  ],
  'Pad.mode': ['reflect', 'edge', 'wrap'].map((mode) => [
    one('Pad', { mode }, [x(3, 4)], {
      opset: 19,
      build: (b, [v]) => b.op('Pad', [v, b.ints([1, 0, 0, 2])], { mode }),
    }),
    new RegExp(`mode "${mode}" has no rule`),
  ]),
  'ScatterElements.reduction': ['mul', 'max', 'min'].map((reduction) => [
    indexed('ScatterElements', { reduction }, [x(2, 2), x(1, 2)], {
      shape: [1, 2],
      values: [1, 0],
    }),
    new RegExp(`reduction "${reduction}" has no rule`),
  ]),
  'ScatterND.reduction': ['mul', 'max', 'min'].map((reduction) => [
    indexed('ScatterND', { reduction }, [x(2, 2), x(1, 2)], { shape: [1, 1], values: [1] }),
    new RegExp(`reduction "${reduction}" has no rule`),
  ]),
};

const castTo64 = (op: string, attributes: Attributes, opset: number) =>
  one(op, attributes, [x(2, 3)], {
    opset,
    build: (b, [v]) =>
      op === 'Cast'
        ? b.op(op, [v], { to: 11, ...attributes })
        : b.op(op, [v, b.scalar(1, 'float64')], attributes),
  });

/** What the runtime takes for types alone that have no gradient, and its words. */
export const refusedByRuntime: Readonly<Record<string, readonly [GradientCase, RegExp]>> = {
  'Cast.saturate': [castTo64('Cast', { saturate: 0 }, 19), /saturate is only used for cast to/],
  'CastLike.saturate': [
    castTo64('CastLike', { saturate: 0 }, 19),
    /saturate is only used for cast to/,
  ],
  'Cast.round_mode': [
    castTo64('Cast', { round_mode: 'down' }, 25),
    /round_mode is only used for cast/,
  ],
};

/** Attributes that no gradient depends on, and why; each has a case in which it is set. */
export const withoutEffect: Readonly<Record<string, string>> = {
  'Attention.softmax_precision': 'how exactly the softmax is computed',
  'CastLike.round_mode': 'read where the result is a float8',
  'Conv.kernel_shape': 'the sizes of W, said again',
  'Dropout.seed': 'a Dropout that does not train draws nothing',
  'LayerNormalization.stash_type': 'how exactly the mean is computed',
  'RMSNormalization.stash_type': 'how exactly the mean is computed',
};
