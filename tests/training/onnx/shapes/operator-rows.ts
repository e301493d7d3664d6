import type { AttributeInit } from '../../../../training/onnx/attributes.ts';
import type { Shape } from '../../../../training/onnx/dim.ts';
import { type DataType, scalarTensor, type Tensor } from '../../../../training/onnx/tensor.ts';
import { b, bool, bytes, i32, i64, int, ints, n, number, s, u8, x, zeros } from './operands.ts';

type Operand = { readonly type: DataType; readonly shape: Shape } | Tensor | undefined;

export interface Row {
  readonly op: string;
  readonly inputs: readonly Operand[];
  readonly attributes?: AttributeInit;
  readonly opset?: number;
  readonly domain?: string;
  /** Types and shapes of the outputs, as text. `?` for a dimension that cannot be known. */
  readonly outputs: readonly string[];
  /** What the runtime answers where it has no kernel for this. */
  readonly refused?: RegExp;
}

const row = (
  op: string,
  inputs: readonly Operand[],
  outputs: string | readonly string[],
  attributes: AttributeInit = {},
  more: { opset?: number; domain?: string } = {},
): Row => ({ op, inputs, outputs: [outputs].flat(), attributes, ...more });

const microsoft = { domain: 'com.microsoft' };

const elementwise = (
  'Sqrt Exp Log Erf Tanh Sigmoid Reciprocal Softplus Softsign Relu LeakyRelu Elu Selu ' +
  'HardSigmoid Sign Floor Ceil Round Sin Cos Abs Neg Identity Softmax LogSoftmax Clip'
)
  .split(' ')
  .map((op) => row(op, [x(b, s, 4)], 'float32 [b, s, 4]'));

const reductions = 'Sum Mean Max Min Prod L1 L2 LogSum LogSumExp SumSquare'
  .split(' ')
  .flatMap((kind) => {
    const op = `Reduce${kind}`;
    return [
      row(op, [x(b, s, 4)], 'float32 [1, 1, 1]', {}, { opset: 18 }),
      row(op, [x(b, s, 4), ints(-1, 0)], 'float32 [s]', { keepdims: 0 }, { opset: 18 }),
      row(op, [x(b, s, 4), ints(1)], 'float32 [b, 1, 4]', {}, { opset: 18 }),
      row(
        op,
        [x(b, s, 4), ints()],
        'float32 [b, s, 4]',
        { noop_with_empty_axes: 1 },
        { opset: 18 },
      ),
      ...(kind === 'Sum'
        ? []
        : [row(op, [x(b, s, 4)], 'float32 [b, s]', { axes: [-1], keepdims: 0 }, { opset: 13 })]),
    ];
  });

/** One application of an operator for each way in which its shape rule can go. */
export const rows: readonly Row[] = [
  row('Einsum', [x(b, 2, s, 4), x(b, 2, s, 4)], 'float32 [b, 2, s, s]', {
    equation: 'bhqd,bhkd->bhqk',
  }),
  row('Einsum', [x(b, s, 4), x(b, 4, 3)], 'float32 [b, s, 3]', { equation: '...ij,...jk->...ik' }),
  row('Einsum', [x(b, 4), x(4, s)], 'float32 [s, b]', { equation: 'zj , ja' }),
  row('Conv', [x(b, 4, s), zeros(6, 4, 3)], 'float32 [b, 6, s]', { pads: [1, 1] }),
  row('Conv', [x(b, 4, 9), zeros(6, 2, 3)], 'float32 [b, 6, 4]', { strides: [2], group: 2 }),
  row('Conv', [x(b, 4, 9, 8), zeros(6, 4, 3, 3)], 'float32 [b, 6, 5, 4]', {
    strides: [2, 2],
    auto_pad: 'SAME_UPPER',
  }),
  row('ConvTranspose', [x(b, 4, 5), zeros(4, 3, 3)], 'float32 [b, 6, 11]', {
    strides: [2],
    group: 2,
  }),
  row('AveragePool', [x(b, 4, 9)], 'float32 [b, 4, 4]', { kernel_shape: [3], strides: [2] }),
  row('GlobalAveragePool', [x(b, 4, s)], 'float32 [b, 4, 1]'),
  ...elementwise,
  ...reductions,
  row('Gelu', [x(b, 4)], 'float32 [b, 4]', {}, { opset: 20 }),
  row('IsNaN', [x(b, 4)], 'bool [b, 4]'),
  row('IsInf', [x(b, 4)], 'bool [b, 4]'),
  row('Add', [x(b, 1, 4), x(s, 1)], 'float32 [b, s, 4]'),
  row('Add', [x(b, 4), x(4)], 'float32 [b, 4]'),
  row('Sub', [x(b, 4), x()], 'float32 [b, 4]'),
  row('Mul', [x(1, s), x(b, s)], 'float32 [b, s]'),
  row('Div', [x(b, s), x(b, s)], 'float32 [b, s]'),
  row('Add', [x(b, s), x(b, n)], 'float32 [b, ?]'),
  row('Pow', [x(b, s), int(2)], 'float32 [b, s]'),
  row('Mod', [i64(b, s), int(3)], 'int64 [b, s]'),
  row('Max', [x(b, 1), x(1, s), x()], 'float32 [b, s]'),
  row('Min', [x(b, 1), x(1, s)], 'float32 [b, s]'),
  row('Sum', [x(b, 1), x(1, s), x(4, 1, 1)], 'float32 [4, b, s]'),
  row('Mean', [x(b, 1), x(1, s)], 'float32 [b, s]'),
  ...'Equal Less LessOrEqual Greater GreaterOrEqual'
    .split(' ')
    .map((op) => row(op, [i64(b, 1), i64(s)], 'bool [b, s]')),
  ...'And Or Xor'.split(' ').map((op) => row(op, [bool(b, 1), bool(s)], 'bool [b, s]')),
  row('Not', [bool(b)], 'bool [b]'),
  row('Where', [bool(b, 1), x(s), number(0)], 'float32 [b, s]'),
  row('Cast', [i64(b, s)], 'float32 [b, s]', { to: 1 }),
  row('Cast', [x(b, s)], 'bool [b, s]', { to: 9 }),
  row('CastLike', [x(b, s), ints(1)], 'int64 [b, s]', {}, { opset: 15 }),
  row('Trilu', [x(s, s)], 'float32 [s, s]'),
  row('CumSum', [i64(b, s), int(1)], 'int64 [b, s]'),

  row('MatMul', [x(b, s, 4), zeros(4, 3)], 'float32 [b, s, 3]'),
  row('MatMul', [x(b, 2, s, 4), x(b, 2, 4, s)], 'float32 [b, 2, s, s]'),
  row('MatMul', [x(4), x(b, 4, s)], 'float32 [b, s]'),
  row('MatMul', [x(b, s, 4), x(4)], 'float32 [b, s]'),
  row('MatMul', [x(4), x(4)], 'float32 []'),
  row('Gemm', [x(4, b), x(3, 4), x(3)], 'float32 [b, 3]', { transA: 1, transB: 1 }),
  row('MatMulInteger', [u8(b, s, 4), bytes(4, 3)], 'int32 [b, s, 3]'),
  row('QuantizeLinear', [x(b, 4), number(1), scalarTensor('int8', 0)], 'int8 [b, 4]'),
  row('QuantizeLinear', [x(b, 4), number(1)], 'uint8 [b, 4]'),
  row('DequantizeLinear', [u8(b, 4), number(1)], 'float32 [b, 4]'),
  row('DynamicQuantizeLinear', [x(b, 4)], ['uint8 [b, 4]', 'float32 []', 'uint8 []']),

  row('Reshape', [x(b, s, 64), ints(0, 0, 4, -1)], 'float32 [b, s, 4, 16]'),
  row('Reshape', [x(b, s, 64), ints(-1, 64)], 'float32 [b*s, 64]'),
  row('Reshape', [x(b, s, 4, 16), ints(0, -1, 64)], 'float32 [b, s, 64]'),
  row('Reshape', [x(2, 3), ints(3, 2)], 'float32 [3, 2]', { allowzero: 1 }),
  row('Reshape', [x(b, s), ints(2, -1)], 'float32 [2, ?]'),
  row('Flatten', [x(b, s, 4)], 'float32 [b, 4*s]'),
  row('Flatten', [x(b, s, 4)], 'float32 [b*s, 4]', { axis: -1 }),
  row('Transpose', [x(b, s, 4, 2)], 'float32 [b, 4, 2, s]', { perm: [0, 2, 3, 1] }),
  row('Transpose', [x(b, s)], 'float32 [s, b]'),
  row('Squeeze', [x(b, 1, s), ints(-2)], 'float32 [b, s]'),
  row('Squeeze', [x(1, 4, 1)], 'float32 [4]'),
  row('Squeeze', [x(b, 1)], 'float32 [b]', { axes: [1] }, { opset: 12 }),
  row('Unsqueeze', [x(b, s), ints(1, -1)], 'float32 [b, 1, s, 1]'),
  row('Unsqueeze', [x(b, s)], 'float32 [1, b, s]', { axes: [0] }, { opset: 12 }),
  row('Expand', [x(b, 1), ints(3, 1, 5)], 'float32 [3, b, 5]'),
  row('Tile', [x(b, 4), ints(2, 3)], 'float32 [2*b, 12]'),
  row('Concat', [x(b, s), x(b, 1), x(b, s)], 'float32 [b, 2*s+1]', { axis: -1 }),
  row('Split', [x(b, 5), ints(2, 3)], ['float32 [b, 2]', 'float32 [b, 3]'], { axis: 1 }),
  row('Split', [x(b, 6)], ['float32 [b, 3]', 'float32 [b, 3]'], { axis: 1 }),
  row(
    'Split',
    [x(b, 5)],
    ['float32 [b, 2]', 'float32 [b, 2]', 'float32 [b, 1]'],
    { axis: 1, num_outputs: 3 },
    { opset: 18 },
  ),
  row(
    'Split',
    [x(b, 5)],
    ['float32 [b, 1]', 'float32 [b, 4]'],
    { axis: 1, split: [1, 4] },
    { opset: 12 },
  ),
  row('Pad', [x(b, 4), ints(0, 1, 0, 2)], 'float32 [b, 7]'),
  row('Pad', [x(b, s), ints(1, 0), undefined, ints(-1)], 'float32 [b, s+1]', {}, { opset: 18 }),

  row('Gather', [x(b, s, 4), int(0)], 'float32 [b, 4]', { axis: 1 }),
  row('Gather', [zeros(9, 4), i64(b, s)], 'float32 [b, s, 4]'),
  row('GatherElements', [x(b, 4), i64(b, 2)], 'float32 [b, 2]', { axis: 1 }),
  row('GatherND', [x(3, 4, 5), i64(b, 2)], 'float32 [b, 5]'),
  row('GatherND', [x(b, 4, 5), i64(b, 1)], 'float32 [b, 5]', { batch_dims: 1 }),
  row(
    'ScatterND',
    [zeros(9, 4), i64(b, 1), x(b, 4)],
    'float32 [9, 4]',
    { reduction: 'add' },
    { opset: 18 },
  ),
  row('ScatterElements', [x(b, 4), i64(b, 1), x(b, 1)], 'float32 [b, 4]', { axis: 1 }),
  row('Slice', [x(b, s), ints(0), ints(1), ints(1)], 'float32 [b, 1]'),
  row('Slice', [x(b, s), ints(1), ints(2 ** 53), ints(1)], 'float32 [b, s+-1]'),
  row('Slice', [x(b, s), ints(-1), ints(2 ** 53), ints(1)], 'float32 [b, 1]'),
  row('Slice', [x(b, s), ints(0), ints(-1), ints(1)], 'float32 [b, s+-1]'),
  row('Slice', [x(b, s), ints(-1), ints(-(2 ** 53)), ints(1), ints(-1)], 'float32 [b, s]'),
  row('Slice', [x(b, s), ints(0), ints(3), ints(1)], 'float32 [b, ?]'),
  row('Slice', [x(b, s), ints(-3), ints(2 ** 53), ints(1)], 'float32 [b, ?]'),
  row('Slice', [x(b, 10), ints(8), ints(1), ints(1), ints(-3)], 'float32 [b, 3]'),
  row('Slice', [x(b, 10), ints(-100), ints(100), ints(1), ints(4)], 'float32 [b, 3]'),
  row('TopK', [x(b, 9), ints(2)], ['float32 [b, 2]', 'int64 [b, 2]']),
  row('ArgMax', [x(b, 9)], 'int64 [b]', { axis: -1, keepdims: 0 }),
  row('ArgMin', [x(b, 9)], 'int64 [1, 9]'),
  row('OneHot', [i64(b, s), int(7), zeros(2)], 'float32 [b, s, 7]'),
  row('OneHot', [i64(b, s), ints(7), zeros(2)], 'float32 [b, 7, s]', { axis: 1 }),
  row('NonZero', [x(b, s)], 'int64 [2, ?]'),
  row('Compress', [x(b, s), bool(s)], 'float32 [b, ?]', { axis: 1 }),

  row('Shape', [x(b, s, 4)], 'int64 [3] = b, s, 4'),
  row('Shape', [x(b, s, 4)], 'int64 [1] = s', { start: 1, end: -1 }, { opset: 15 }),
  row('Size', [x(b, s, 4)], 'int64 [] = 4*b*s'),
  row('ConstantOfShape', [ints(2, 3)], 'float32 [2, 3]'),
  row('Range', [int(2), int(9), int(3)], 'int64 [3] = 2, 5, 8'),
  row('Range', [number(0), number(1), number(0.3)], 'float32 [4]'),
  row('RandomUniformLike', [x(b, 4)], 'float32 [b, 4]'),
  row('RandomUniform', [], 'float32 [2, 3]', { shape: [2, 3] }),
  row('Bernoulli', [x(b, 4)], 'float32 [b, 4]', {}, { opset: 15 }),
  row('EyeLike', [x(b, 4)], 'float32 [b, 4]', { dtype: 1 }),

  row(
    'LayerNormalization',
    [x(b, s, 4), zeros(4)],
    ['float32 [b, s, 4]', 'float32 [b, s, 1]', 'float32 [b, s, 1]'],
  ),
  row('Dropout', [x(b, 4)], ['float32 [b, 4]', 'bool [b, 4]']),
  row(
    'Attention',
    [x(b, s, 8), x(b, n, 8), x(b, n, 12)],
    ['float32 [b, s, 12]'],
    { q_num_heads: 2, kv_num_heads: 2 },
    { opset: 23 },
  ),
  row(
    'Attention',
    [x(b, 2, s, 4), x(b, 2, n, 4), x(b, 2, n, 6)],
    'float32 [b, 2, s, 6]',
    {},
    { opset: 23 },
  ),
  row(
    'RotaryEmbedding',
    [x(b, 2, s, 4), x(b, s, 2), x(b, s, 2)],
    'float32 [b, 2, s, 4]',
    {},
    { opset: 23 },
  ),

  row('FusedMatMul', [x(b, s, 4), x(b, s, 3)], 'float32 [b, 4, 3]', { transA: 1 }, microsoft),
  row('Gelu', [x(b, 4)], 'float32 [b, 4]', {}, microsoft),
  row('BiasGelu', [x(b, 4), zeros(4)], 'float32 [b, 4]', {}, microsoft),
  row('FastGelu', [x(b, 4)], 'float32 [b, 4]', {}, microsoft),
  row('QuickGelu', [x(b, 4)], 'float32 [b, 4]', {}, microsoft),
  row(
    'SkipLayerNormalization',
    [x(b, s, 4), x(b, s, 4), zeros(4)],
    'float32 [b, s, 4]',
    {},
    microsoft,
  ),
  row(
    'Attention',
    [x(b, s, 8), zeros(8, 24), zeros(24)],
    'float32 [b, s, 8]',
    { num_heads: 2 },
    microsoft,
  ),
  row(
    'MultiHeadAttention',
    [x(b, s, 8), x(b, n, 8), x(b, n, 12)],
    'float32 [b, s, 12]',
    { num_heads: 2 },
    microsoft,
  ),
  row(
    'DynamicQuantizeMatMul',
    [x(b, s, 4), bytes(4, 3), zeros(1)],
    'float32 [b, s, 3]',
    {},
    microsoft,
  ),
  row(
    'MatMulIntegerToFloat',
    [u8(b, s, 4), bytes(4, 3), number(1), number(1)],
    'float32 [b, s, 3]',
    {},
    microsoft,
  ),
  row(
    'MatMulNBits',
    [x(b, s, 32), bytes(3, 2, 8), zeros(6)],
    'float32 [b, s, 3]',
    { K: 32, N: 3, bits: 4, block_size: 16 },
    microsoft,
  ),
  row(
    'EmbedLayerNormalization',
    [i32(b, s), i32(b, s), zeros(9, 4), zeros(9, 4), zeros(2, 4), zeros(4), zeros(4)],
    ['float32 [b, s, 4]', 'int32 [b]'],
    {},
    microsoft,
  ),
  row(
    'QAttention',
    [u8(b, s, 8), bytes(8, 24), zeros(24), number(1), number(1)],
    'float32 [b, s, 8]',
    { num_heads: 2 },
    microsoft,
  ),
  row(
    'GatherBlockQuantized',
    [bytes(9, 16), i64(b, s), zeros(9, 2)],
    'float32 [b, s, 32]',
    { bits: 4, block_size: 16, gather_axis: 0, quantize_axis: 1 },
    microsoft,
  ),
];
