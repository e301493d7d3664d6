import { describe, expect, it } from '@jest/globals';
import { rules } from '../../../training/autodiff/rules/index.ts';
import { float } from '../../../training/onnx/attributes.ts';
import type { GraphBuilder } from '../../../training/onnx/builder.ts';
import { floatTensor } from '../../../training/onnx/tensor.ts';
import {
  attributesIn,
  differentiated,
  type FloatInput,
  type GradientCase,
  gradientErrors,
  gradientsOf,
  toleranceOf,
} from '../../support/check-gradients.ts';
import { attributesOfOperator } from '../../support/operator-attributes.ts';
import {
  attributeCases,
  refusedAttributes,
  refusedByRuntime,
  withoutEffect,
} from './attribute-cases.ts';

type Shape = readonly number[];
type Build = GradientCase['build'];
type Rest = Partial<GradientCase>;

const x = (...shape: number[]): FloatInput => ({ shape });
const within = (low: number, high: number, ...shape: number[]): FloatInput => ({
  shape,
  between: [low, high],
});
const values = (shape: Shape, ...list: number[]): FloatInput => ({ shape, values: list });

const op =
  (name: string, attributes: Parameters<GraphBuilder['op']>[2] = {}): Build =>
  (b, floats) =>
    b.op(name, floats, attributes);

const spec = (inputs: FloatInput[], build: Build, rest: Rest = {}): GradientCase => ({
  inputs,
  build,
  ...rest,
});

/** A binary operator over equal shapes, broadcast rows, columns, scalars, missing axes and both sides at once. */
const broadcasts = (name: string, make: (...shape: number[]) => FloatInput, rest: Rest = {}) =>
  (
    [
      [
        [2, 3],
        [2, 3],
      ],
      [[2, 3], [3]],
      [
        [2, 3],
        [2, 1],
      ],
      [[2, 3], []],
      [[3], [4, 2, 3]],
      [
        [2, 1, 3],
        [4, 1],
      ],
      [
        [1, 3],
        [2, 1],
      ],
    ] as [Shape, Shape][]
  ).map(([a, b]) => spec([make(...a), make(...b)], op(name), rest));

const constants =
  (name: string, attributes: object, ...lists: (readonly number[])[]): Build =>
  (b, [value]) =>
    b.op(name, [value, ...lists.map((list) => b.ints(list))], attributes as Record<string, number>);

/** Two heads of width 4 on two texts of 3 tokens, turned by angles of `pairs` pairs of elements. */
const rotary = (attributes: Record<string, number>, pairs = 2): GradientCase =>
  spec(
    [x(2, 2, 3, 4)],
    (b, [v]) => {
      const angles = Float32Array.from({ length: 6 * pairs }, (_, i) => 0.4 * i - 1);
      const table = (f: (angle: number) => number) =>
        b.constant(floatTensor([2, 3, pairs], angles.map(f)));
      return b.op('RotaryEmbedding', [v, table(Math.cos), table(Math.sin)], attributes);
    },
    { type: 'float32', opset: 23 },
  );

/** Where the numerical derivative is defined everywhere: away from kinks by more than the step. */
const awayFromZero = (shape: Shape): FloatInput =>
  values(
    shape,
    ...Array.from(
      { length: shape.reduce((n, d) => n * d, 1) },
      (_, i) => (i % 2 ? -1 : 1) * (0.3 + 0.17 * i),
    ),
  );
const distinct = (shape: Shape, shift = 0): FloatInput =>
  values(
    shape,
    ...Array.from(
      { length: shape.reduce((n, d) => n * d, 1) },
      (_, i) => ((i * 7 + shift) % 23) / 3,
    ),
  );

const layerNorm = (axis: number, shape: Shape, rest: Rest = {}): GradientCase => {
  const tail = shape.slice(axis);
  return spec(
    [x(...shape), within(0.5, 1.5, ...tail), x(...tail)],
    op('LayerNormalization', { axis: axis - shape.length, epsilon: float(1e-5) }),
    rest,
  );
};

const f32: Rest = { type: 'float32' };

const einsum = (equation: string, ...shapes: Shape[]): GradientCase =>
  spec(
    shapes.map((shape) => x(...shape)),
    op('Einsum', { equation }),
  );

/** Kernels are parameters: their sizes, and the number of channels, are always known. */
const conv = (
  data: Shape,
  kernel: Shape,
  attributes: Parameters<GraphBuilder['op']>[2] = {},
): GradientCase =>
  spec(
    [x(...data), x(...kernel), x(kernel[0] ?? 1)],
    (b, [v, w, bias]) => {
      w!.shape = kernel;
      v!.shape = v!.shape?.map((dim, i) => (i === 1 ? (data[1] ?? dim) : dim));
      return b.op('Conv', [v, w, bias], attributes);
    },
    f32,
  );
const withKnownChannels = (one: GradientCase): GradientCase => ({
  ...one,
  build: (b, [v], integers) => {
    v!.shape = v!.shape?.map((dim, i) => (i === 1 ? one.inputs[0]!.shape[1]! : dim));
    return one.build(b, [v!], integers);
  },
});
const withKnownTuples = (one: GradientCase): GradientCase => ({
  ...one,
  build: (b, floats, [i]) => {
    const length = one.integers![0]!.shape.at(-1)!;
    i!.shape = [...(i!.shape?.slice(0, -1) ?? []), length];
    return one.build(b, floats, [i!]);
  },
});

/** Functions of one element, at points away from where they bend. */
const bent = [-3.6, -1.3, -0.4, 0.3, 1.6, 3.4];
const activationCases = Object.fromEntries(
  (
    [
      ['LeakyRelu', { alpha: float(0.2) }],
      ['ThresholdedRelu', { alpha: float(0.7) }],
      ['Elu', { alpha: float(0.7) }],
      ['Celu', { alpha: float(0.7) }],
      ['Selu', {}],
      ['HardSigmoid', {}],
      ['HardSwish', {}],
      ['Mish', {}],
      ['Softsign', {}],
      ['Tan', {}, [-0.9, -0.4, 0.2, 0.7]],
      ['Asin', {}, [-0.8, -0.4, 0.2, 0.7]],
      ['Acos', {}, [-0.8, -0.4, 0.2, 0.7]],
      ['Atan', {}],
    ] as [string, Record<string, ReturnType<typeof float>>, number[]?][]
  ).map(([name, attributes, points = bent]) => [
    name,
    [spec([values([points.length], ...points)], op(name, attributes), { ...f32, opset: 18 })],
  ]),
);
activationCases.Swish = [
  spec([x(2, 3)], op('Swish', { alpha: float(1.3) }), { ...f32, opset: 24 }),
];
activationCases.PRelu = [
  spec([awayFromZero([2, 3]), x(2, 3)], op('PRelu'), f32),
  spec([awayFromZero([2, 3, 4]), x(3, 1)], op('PRelu'), f32),
];

/** Cases of each rule: shapes, axes, broadcasts and attributes; inputs stay away from kinks. */
const cases: Record<string, GradientCase[]> = {
  Add: broadcasts('Add', x),
  Sub: broadcasts('Sub', x),
  Mul: broadcasts('Mul', x),
  Div: broadcasts('Div', (...s) => within(0.5, 2, ...s)),
  Max: broadcasts('Max', x).map((c) => ({
    ...c,
    inputs: c.inputs.map((i, k) => distinct(i.shape, 5 * k + 0.5)),
  })),
  Min: broadcasts('Min', x).map((c) => ({
    ...c,
    inputs: c.inputs.map((i, k) => distinct(i.shape, 5 * k + 0.5)),
  })),
  Sum: [spec([x(2, 3), x(3), x(2, 1)], op('Sum'), f32), spec([x(4)], op('Sum'), f32)],
  Mean: [spec([x(2, 3), x(3), x(2, 1)], op('Mean'), f32)],
  Pow: [0, 1, 2, 3, 0.5, -1, 2.5].flatMap((e) => [
    spec([within(0.5, 2, 2, 3)], (b, [v]) => b.op('Pow', [v, b.scalar(e, v!)])),
    spec([within(0.5, 2, 3)], (b, [v]) => b.op('Pow', [v, b.expandLike(b.scalar(e, v!), v!)])),
  ]),
  Where: [
    spec(
      [x(2, 3), x(3)],
      (b, [p, q], [i]) => b.where(b.op('Greater', [i, b.scalar(0, 'int64')]), p!, q!),
      { integers: [{ shape: [2, 1], values: [1, 0] }] },
    ),
  ],
  Expand: [
    spec([x(3, 1)], constants('Expand', {}, [2, 3, 4])),
    spec([x(1, 4)], constants('Expand', {}, [3, 1])),
  ],
  Identity: [spec([x(2, 3)], op('Identity'))],
  Neg: [spec([x(2, 3)], op('Neg'))],
  Abs: [spec([awayFromZero([2, 3])], op('Abs'))],
  Sqrt: [spec([within(0.5, 3, 2, 3)], op('Sqrt'))],
  Exp: [spec([x(2, 3)], op('Exp'))],
  Log: [spec([within(0.5, 3, 2, 3)], op('Log'))],
  Reciprocal: [spec([within(0.5, 3, 2, 3)], op('Reciprocal'))],
  Sin: [spec([x(2, 3)], op('Sin'))],
  Cos: [spec([x(2, 3)], op('Cos'), f32)],
  Erf: [spec([x(2, 3)], op('Erf'), f32)],
  Tanh: [spec([x(2, 3)], op('Tanh'))],
  Sigmoid: [spec([x(2, 3)], op('Sigmoid'))],
  Softplus: [
    spec([x(2, 3)], op('Softplus'), f32),
    spec([values([4], -8, -0.5, 0, 9)], op('Softplus'), f32),
  ],
  Relu: [spec([awayFromZero([2, 3])], op('Relu'))],
  ...activationCases,
  Gelu: [
    spec([x(2, 5)], op('Gelu'), { ...f32, opset: 20 }),
    spec([x(2, 5)], op('Gelu', { approximate: 'tanh' }), { ...f32, opset: 20 }),
  ],
  Clip: [
    spec([awayFromZero([6])], (b, [v]) => b.op('Clip', [v, b.scalar(-0.6, v!), b.scalar(0.7, v!)])),
    spec([awayFromZero([6])], (b, [v]) => b.op('Clip', [v, b.scalar(-0.6, v!)])),
    spec([awayFromZero([6])], (b, [v]) => b.op('Clip', [v, undefined, b.scalar(0.7, v!)])),
  ],
  Cast: [
    spec(
      [x(2, 3)],
      (b, [v]) => b.cast(b.mul(b.cast(v!, 'float64'), b.cast(v!, 'float64')), 'float32'),
      f32,
    ),
  ],
  CastLike: [
    spec(
      [x(2, 3)],
      (b, [v]) => b.cast(b.op('CastLike', [v, b.scalar(1, 'float64')]), 'float32'),
      f32,
    ),
    // Of the second operand only the type is read.
    spec([x(2, 3)], (b, [v]) => b.mul(v!, b.op('CastLike', [b.scalar(2, 'float64'), v])), f32),
  ],
  MatMul: (
    [
      [
        [2, 3],
        [3, 4],
      ],
      [
        [5, 2, 3],
        [3, 4],
      ],
      [
        [2, 5, 2, 3],
        [3, 2],
      ],
      [
        [2, 3],
        [5, 3, 4],
      ],
      [
        [2, 1, 2, 3],
        [4, 3, 2],
      ],
      [
        [4, 2, 3],
        [4, 3, 2],
      ],
      [[3], [3, 4]],
      [[2, 3], [3]],
      [[3], [3]],
      [[3], [5, 3, 4]],
      [[5, 2, 3], [3]],
    ] as [Shape, Shape][]
  ).map(([a, b]) => spec([x(...a), x(...b)], op('MatMul'))),
  Gemm: [0, 1].flatMap((transA) =>
    [0, 1].flatMap((transB) =>
      [[2, 4], [4], [2, 1], []].map((c) =>
        spec(
          [transA ? x(3, 2) : x(2, 3), transB ? x(4, 3) : x(3, 4), x(...c)],
          op('Gemm', { transA, transB, alpha: float(0.7), beta: float(1.3) }),
        ),
      ),
    ),
  ),
  Softmax: [
    ...[-1, 0, 1].map((axis) => spec([x(2, 3, 4)], op('Softmax', { axis }))),
    // The second row is masked as a whole, and 0 by what comes after.
    spec(
      [x(2, 4)],
      (b, [v], [kept]) => {
        const isKept = b.op('Greater', [kept, b.scalar(0, 'int64')]);
        const scores = b.where(isKept, v!, b.scalar(Number.NEGATIVE_INFINITY, v!));
        const y = b.op('Softmax', [scores], { axis: -1 });
        return b.where(b.op('IsNaN', [y]), b.scalar(0, y), y);
      },
      { ...f32, integers: [{ shape: [2, 1], values: [1, 0] }] },
    ),
    // Nothing takes the place of this one: what is chosen is another value.
    spec(
      [x(2, 4)],
      (b, [v]) => {
        const y = b.op('Softmax', [v], { axis: -1 });
        return b.add(y, b.where(b.op('IsNaN', [y]), b.scalar(0, y), b.mul(y, 3)));
      },
      f32,
    ),
  ],
  LogSoftmax: [-1, 0, 1].map((axis) => spec([x(2, 3, 4)], op('LogSoftmax', { axis }))),
  LayerNormalization: [
    layerNorm(2, [2, 3, 5]),
    layerNorm(1, [2, 3, 4]),
    layerNorm(2, [2, 3, 5], f32),
    layerNorm(1, [4, 6], f32),
    spec([x(2, 5), within(0.5, 1.5, 5)], op('LayerNormalization', { axis: -1 }), f32),
  ],
  RMSNormalization: [
    spec([x(2, 3, 5), within(0.5, 1.5, 5)], op('RMSNormalization', { axis: -1 }), {
      ...f32,
      opset: 23,
    }),
    spec([x(2, 3, 4), within(0.5, 1.5, 3, 4)], op('RMSNormalization', { axis: 1 }), {
      ...f32,
      opset: 23,
    }),
  ],
  Dropout: [
    spec([x(2, 3)], op('Dropout'), f32),
    spec(
      [x(8, 16)],
      (b, [v]) =>
        b.op('Dropout', [
          v,
          b.scalar(0.4, v!),
          b.constant({ type: 'bool', dims: [], bytes: Uint8Array.of(0) }),
        ]),
      f32,
    ),
  ],
  ReduceSum: [
    spec([x(2, 3, 4)], constants('ReduceSum', { keepdims: 1 }, [1])),
    spec([x(2, 3, 4)], constants('ReduceSum', { keepdims: 0 }, [0, -1])),
    spec([x(2, 3)], op('ReduceSum', { keepdims: 0 })),
    spec([x(2, 3)], constants('ReduceSum', { noop_with_empty_axes: 1, keepdims: 0 }, [])),
  ],
  ReduceMean: [
    spec([x(2, 3, 4)], op('ReduceMean', { axes: [1], keepdims: 1 })),
    spec([x(2, 3, 4)], op('ReduceMean', { axes: [-1, 0], keepdims: 0 })),
    spec([x(2, 3)], op('ReduceMean', { keepdims: 0 })),
    spec([x(2, 3, 4)], constants('ReduceMean', { keepdims: 0 }, [-2]), { opset: 18 }),
  ],
  ReduceMax: [
    spec([distinct([3, 7])], op('ReduceMax', { axes: [1], keepdims: 0 })),
    spec([distinct([3, 7])], op('ReduceMax', { keepdims: 1 })),
    spec([distinct([3, 7])], constants('ReduceMax', { keepdims: 0 }, [0]), { opset: 18 }),
  ],
  ReduceMin: [
    spec([distinct([3, 7])], op('ReduceMin', { axes: [1], keepdims: 0 })),
    spec([distinct([3, 7])], op('ReduceMin', { keepdims: 1 })),
  ],
  ReduceSumSquare: [spec([x(2, 3, 4)], op('ReduceSumSquare', { axes: [1], keepdims: 0 }))],
  ReduceL2: [spec([x(2, 3, 4)], op('ReduceL2', { axes: [-1], keepdims: 0 }), f32)],
  Reshape: [
    spec([x(2, 3, 4)], constants('Reshape', {}, [0, -1])),
    spec([x(2, 6)], constants('Reshape', {}, [3, 4])),
  ],
  Squeeze: [spec([x(2, 1, 3, 1)], constants('Squeeze', {}, [1, -1]))],
  Unsqueeze: [spec([x(2, 3)], constants('Unsqueeze', {}, [0, 2]))],
  Flatten: [
    spec([x(2, 3, 4)], op('Flatten', { axis: 2 })),
    spec([x(2, 3)], op('Flatten', { axis: 0 })),
  ],
  Transpose: [
    spec([x(2, 3, 4)], op('Transpose', { perm: [2, 0, 1] })),
    spec([x(2, 3, 4)], op('Transpose')),
  ],
  Concat: [
    spec([x(2, 3), x(2, 1), x(2, 2)], op('Concat', { axis: -1 })),
    spec([x(2, 3)], (b, [v]) => b.op('Concat', [v, b.mul(v!, v!), v], { axis: 0 })),
  ],
  Split: [
    spec([x(2, 6)], (b, [v]) =>
      b.node('Split', [v, b.ints([1, 3, 2])], { axis: 1 }, { outputs: ['p', 'q', 'r'] }),
    ),
    spec(
      [x(6, 2)],
      (b, [v]) =>
        b.node('Split', [v, b.ints([1, 3, 2])], { axis: -2 }, { outputs: ['p', 'q', 'r'] })[1]!,
    ),
    spec(
      [x(2, 5)],
      (b, [v]) => b.node('Split', [v], { axis: 1, num_outputs: 2 }, { outputs: ['p', 'q'] }),
      { opset: 18 },
    ),
  ],
  Tile: [
    spec([x(2, 3)], constants('Tile', {}, [2, 3])),
    spec([x(3)], constants('Tile', {}, [4])),
    spec([x(2, 3)], (b, [v], [repeats]) => b.op('Tile', [v, repeats]), {
      integers: [{ shape: [2], values: [2, 3] }],
    }),
  ],
  Pad: [
    spec([x(2, 3)], (b, [v]) => b.op('Pad', [v, b.ints([1, 0, 0, 2]), b.scalar(0.5, v!)])),
    spec([x(4, 3)], (b, [v]) => b.op('Pad', [v, b.ints([-1, 1, 0, -1])])),
    spec([x(2, 3)], (b, [v]) => b.op('Pad', [v, b.ints([1, 2]), undefined, b.ints([-1])]), {
      opset: 18,
    }),
  ],
  Slice: [
    spec([x(5, 4)], constants('Slice', {}, [1], [3])),
    spec([x(5, 4)], constants('Slice', {}, [0, 1], [2 ** 31, 3], [0, 1], [1, 1])),
    spec([x(5, 4)], constants('Slice', {}, [-2], [2 ** 31], [-1])),
    spec([x(5, 4)], constants('Slice', {}, [4, 0], [-6, 4], [0, 1], [-2, 3])),
    // Beyond the beginning, and at it from the end.
    spec([x(5, 4)], constants('Slice', {}, [-100, -4], [3, 2], [0, 1])),
    spec([x(5, 4)], constants('Slice', {}, [-3, 9], [100, 12], [0, 1])),
    spec([x(5, 4)], (b, [v], [end]) => b.op('Slice', [v, b.ints([0]), end]), {
      integers: [{ shape: [1], values: [3] }],
    }),
  ],
  Gather: [
    spec([x(5, 3)], (b, [v], [i]) => b.op('Gather', [v, i], { axis: 0 }), {
      integers: [{ shape: [2, 3], values: [4, 0, 4, -1, 2, 4] }],
    }),
    spec([x(2, 5, 3)], (b, [v], [i]) => b.op('Gather', [v, i], { axis: 1 }), {
      integers: [{ shape: [2, 2], values: [4, 0, 4, -2] }],
    }),
    spec([x(3, 2, 4)], (b, [v], [i]) => b.op('Gather', [v, i], { axis: -1 }), {
      integers: [{ shape: [2], values: [3, 3] }],
    }),
    spec([x(2, 3, 4)], (b, [v]) => b.op('Gather', [v, b.scalar(0, 'int64')], { axis: 1 })),
    spec([x(2, 3, 4)], (b, [v]) => b.op('Gather', [v, b.scalar(-1, 'int64')], { axis: 2 })),
    spec([x(2, 3, 4)], (b, [v]) => b.op('Gather', [v, b.ints([1])], { axis: 0 })),
  ],
  Mod: [
    spec(
      [values([2, 3], 5.3, -5.3, 2.4, 7.7, 0.9, -3.2), values([3], 2, 2.5, 1.7)],
      op('Mod', { fmod: 1 }),
      f32,
    ),
  ],
  Einsum: [
    einsum('bhqd,bhkd->bhqk', [2, 2, 3, 4], [2, 2, 5, 4]),
    einsum('bhld,lrd->bhlr', [2, 2, 3, 4], [3, 5, 4]),
    einsum('...ij,...jk->...ik', [2, 5, 2, 3], [2, 5, 3, 4]),
    einsum('...ij,...jk->...ik', [2, 5, 2, 3], [1, 5, 3, 4]),
    einsum('ij,jk', [2, 3], [3, 4]),
    einsum('ij,kj->k', [2, 3], [4, 3]),
    einsum('ij->j', [2, 3]),
    einsum('ij,k->i', [2, 3], [4]),
    einsum('ii->i', [3, 3]),
    einsum('i,j,k->ijk', [2], [3], [4]),
    einsum('ibnd,jbnd->bnij', [3, 2, 2, 4], [5, 2, 2, 4]),
    einsum('ij,ij->ij', [2, 3], [2, 1]),
  ],
  Conv: [
    conv([2, 4, 7], [6, 4, 3]),
    conv([2, 4, 7], [6, 4, 3], { pads: [1, 1] }),
    conv([2, 4, 7], [4, 1, 3], { group: 4, pads: [2, 0] }),
    conv([2, 4, 8], [6, 2, 3], { group: 2, strides: [2] }),
    conv([2, 4, 9], [6, 4, 3], { dilations: [2], strides: [3], pads: [1, 2] }),
    conv([2, 4, 7], [6, 4, 1]),
    conv([2, 3, 5, 6], [4, 3, 3, 2], { strides: [2, 1], pads: [1, 0, 1, 1] }),
    conv([2, 4, 5, 6], [4, 2, 3, 3], { group: 2, dilations: [1, 2], pads: [1, 2, 1, 2] }),
    conv([2, 4, 7], [6, 4, 4], { auto_pad: 'SAME_UPPER' }),
    conv([2, 4, 7], [6, 4, 4], { auto_pad: 'SAME_LOWER' }),
    conv([2, 4, 7], [6, 4, 3], { auto_pad: 'VALID' }),
  ],
  AveragePool: [
    spec([x(2, 3, 8)], op('AveragePool', { kernel_shape: [2], strides: [2] }), f32),
    spec([x(2, 3, 5, 6)], op('AveragePool', { kernel_shape: [3, 2], strides: [1, 2] }), f32),
    spec(
      [x(2, 3, 7)],
      op('AveragePool', { kernel_shape: [3], pads: [1, 1], count_include_pad: 1 }),
      f32,
    ),
  ].map(withKnownChannels),
  MaxPool: [
    spec([distinct([2, 2, 5])], op('MaxPool', { kernel_shape: [2], strides: [2] }), f32),
    spec([distinct([1, 1, 4, 5])], op('MaxPool', { kernel_shape: [2, 3] }), f32),
  ],
  GlobalAveragePool: [
    spec([x(2, 3, 8)], op('GlobalAveragePool'), f32),
    spec([x(2, 3, 4, 5)], op('GlobalAveragePool'), f32),
  ],
  CumSum: [0, 1].flatMap((exclusive) =>
    [0, 1].map((reverse) =>
      spec([x(2, 5)], (b, [v]) =>
        b.op('CumSum', [v, b.scalar(-1, 'int64')], { exclusive, reverse }),
      ),
    ),
  ),
  Trilu: [0, 1].flatMap((upper) =>
    [-1, 0, 1].map((k) =>
      spec([x(2, 4, 5)], (b, [v]) => b.op('Trilu', [v, b.scalar(k, 'int64')], { upper })),
    ),
  ),
  ReduceL1: [spec([awayFromZero([2, 3])], op('ReduceL1', { axes: [1], keepdims: 0 }), f32)],
  ReduceLogSum: [spec([within(0.5, 2, 2, 3)], op('ReduceLogSum', { axes: [1], keepdims: 0 }), f32)],
  ReduceLogSumExp: [
    spec([x(2, 3, 4)], op('ReduceLogSumExp', { axes: [1], keepdims: 0 })),
    spec([x(2, 3)], op('ReduceLogSumExp', { keepdims: 1 })),
  ],
  ReduceProd: [
    spec([x(2, 3, 4)], op('ReduceProd', { axes: [1], keepdims: 0 }), f32),
    spec([values([2, 3], 0, 2, 3, 0, 0, 5)], op('ReduceProd', { axes: [1] }), f32),
    spec([x(2, 3)], constants('ReduceProd', { keepdims: 0 }, [-1]), { ...f32, opset: 18 }),
  ],
  GatherND: [
    spec([x(3, 4, 2)], (b, [v], [i]) => b.op('GatherND', [v, i]), {
      ...f32,
      integers: [{ shape: [4, 2], values: [0, 1, 2, 3, 0, 1, -1, -2] }],
    }),
    spec([x(3, 4)], (b, [v], [i]) => b.op('GatherND', [v, i]), {
      ...f32,
      integers: [{ shape: [2, 2, 1], values: [0, 2, 2, 0] }],
    }),
    spec([x(3, 4, 2)], (b, [v], [i]) => b.op('GatherND', [v, i], { batch_dims: 1 }), {
      ...f32,
      integers: [{ shape: [3, 2, 1], values: [0, 2, 3, 3, -1, 1] }],
    }),
  ].map(withKnownTuples),
  ScatterElements: ['none', 'add'].map((reduction) =>
    spec(
      [x(3, 4), x(2, 4)],
      (b, [v, u], [i]) => b.op('ScatterElements', [v, i, u], { axis: 0, reduction }),
      { ...f32, opset: 18, integers: [{ shape: [2, 4], values: [0, 1, 2, 0, 2, 0, 1, 1] }] },
    ),
  ),
  ScatterND: ['none', 'add'].map((reduction) =>
    spec([x(3, 4, 2), x(2, 2)], (b, [v, u], [i]) => b.op('ScatterND', [v, i, u], { reduction }), {
      ...f32,
      opset: 18,
      integers: [{ shape: [2, 2], values: [0, 1, 2, 3] }],
    }),
  ),
  Attention: [
    spec([x(2, 2, 3, 4), x(2, 2, 5, 4), x(2, 2, 5, 6)], op('Attention'), { ...f32, opset: 23 }),
    spec(
      [x(2, 3, 8), x(2, 3, 8), x(2, 3, 8)],
      op('Attention', { q_num_heads: 2, kv_num_heads: 2, scale: float(0.3) }),
      { ...f32, opset: 23 },
    ),
    spec(
      [x(2, 2, 3, 4), x(2, 2, 3, 4), x(2, 2, 3, 4)],
      (b, [q, k, v], [i]) =>
        b.op('Attention', [q, k, v, b.op('Greater', [i, b.scalar(0, 'int64')])]),
      {
        ...f32,
        opset: 23,
        integers: [
          { shape: [2, 1, 3, 3], values: [1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0] },
        ],
      },
    ),
  ],
  RotaryEmbedding: [rotary({}), rotary({ interleaved: 1 }), rotary({ rotary_embedding_dim: 2 }, 1)],
  GatherElements: [
    spec([x(3, 3)], (b, [v], [i]) => b.op('GatherElements', [v, i], { axis: 0 }), {
      ...f32,
      integers: [{ shape: [2, 3], values: [1, 2, 0, 2, -3, 0] }],
    }),
  ],
};

describe('gradient rules against central finite differences', () => {
  it('has cases for every rule', () => {
    expect(Object.keys(cases).sort()).toEqual(Object.keys(rules).sort());
  });

  for (const [name, listed] of Object.entries(cases)) {
    const more = attributeCases[name] ?? [];
    it.each(['static', 'symbolic', 'anonymous'] as const)(
      `${name} is right with %s shapes`,
      async (knowledge) => {
        // What an attribute does depends on shapes that are known, or not; not on those that are like others.
        for (const one of knowledge === 'symbolic' ? listed : [...listed, ...more]) {
          const errors = await gradientErrors(one, knowledge);
          for (const error of errors) expect(error).toBeLessThan(toleranceOf(one));
        }
      },
    );
  }

  it('would notice a gradient that is 1 % too large', async () => {
    for (const type of ['float64', 'float32'] as const) {
      const tanh: GradientCase = { inputs: [x(3, 2)], type, build: op('Tanh') };
      const errors = await gradientErrors(tanh, 'static', 1.01);
      expect(errors[0]).toBeGreaterThan(toleranceOf(tanh));
    }
  });
});

describe('attributes of operators that have a gradient rule', () => {
  const named = Object.keys(rules).flatMap((operator) =>
    Object.entries(attributesOfOperator(operator)).map(
      ([name, otherwise]) => [`${operator}.${name}`, otherwise] as const,
    ),
  );
  const casesWith = (attribute: string) => {
    const operator = attribute.split('.')[0] ?? '';
    return [...(cases[operator] ?? []), ...(attributeCases[operator] ?? [])].flatMap((one) =>
      attributesIn(one).flatMap(([name, { value }]) =>
        name === attribute ? [{ one, value }] : [],
      ),
    );
  };
  const isRefused = (attribute: string): boolean =>
    Object.hasOwn(refusedAttributes, attribute) || Object.hasOwn(refusedByRuntime, attribute);
  // Of some attributes one value has a rule and another is refused.
  const accepted = named.filter(
    ([attribute]) => !isRefused(attribute) || casesWith(attribute).length > 0,
  );
  const whole = new Map<GradientCase, Promise<string>>();
  const gradientsOnce = (one: GradientCase): Promise<string> => {
    const found = whole.get(one) ?? gradientsOf(one);
    whole.set(one, found);
    return found;
  };

  it('are known where a row names them', () => {
    const known = new Set<string>(named.map(([attribute]) => attribute));
    const rows = [refusedAttributes, refusedByRuntime, withoutEffect].flatMap(Object.keys);
    expect(rows.filter((attribute) => !known.has(attribute))).toEqual([]);
    expect(Object.keys(attributeCases).filter((name) => !Object.hasOwn(rules, name))).toEqual([]);
  });

  it.each(accepted.filter(([attribute]) => !Object.hasOwn(withoutEffect, attribute)))(
    '%s, unless it is %j, decides a gradient that is checked',
    async (attribute, otherwise) => {
      const deciding = new Set<string>();
      let isRequired = false;
      for (const { one, value } of casesWith(attribute)) {
        const [found, without] = [await gradientsOnce(one), await gradientsOf(one, attribute)];
        expect(found).toMatch(/^\{"shapes/);
        if (found !== without) deciding.add(JSON.stringify(value));
        isRequired ||= otherwise === null && !without.startsWith('{');
      }
      // Of an attribute that must be there one value is as good as none.
      expect(deciding.size).toBeGreaterThanOrEqual(isRequired ? 2 : 1);
      if (attribute.endsWith('.axis'))
        expect([...deciding].some((value) => Number(value) < 0)).toBe(true);
    },
  );

  it.each(Object.keys(withoutEffect))('%s changes no gradient', async (attribute) => {
    const otherwise = named.find(([name]) => name === attribute)?.[1];
    const set = casesWith(attribute).filter(({ value }) => value !== otherwise);
    expect(set.length).toBeGreaterThan(0);
    for (const { one } of set) {
      const found = await gradientsOnce(one);
      expect(found).toMatch(/^\{"shapes/);
      expect(await gradientsOf(one, attribute)).toBe(found);
    }
  });

  it.each(
    Object.entries(refusedAttributes).flatMap(([attribute, rows]) =>
      rows.map(([one, message]) => [attribute, message, one] as const),
    ),
  )('%s is refused: %p', (attribute, message, one) => {
    expect(attributesIn(one).map(([name]) => name)).toContain(attribute);
    expect(() => differentiated(one)).toThrow(message);
  });

  it.each(Object.entries(refusedByRuntime))(
    '%s is refused by the runtime where a gradient flows',
    async (attribute, [one, message]) => {
      expect(attributesIn(one).map(([name]) => name)).toContain(attribute);
      expect(await gradientsOf(one)).toMatch(message);
    },
  );
});
