import { type Attribute, float } from '../../../../training/onnx/attributes.ts';
import { type Tensor, tensorOf } from '../../../../training/onnx/tensor.ts';
import {
  b,
  bool,
  bytes,
  count,
  i32,
  i64,
  int,
  ints,
  n,
  number,
  ones,
  s,
  u8,
  x,
  zeros,
} from './operands.ts';
import type { Row } from './operator-rows.ts';

const tensor = (value: Tensor): Attribute => ({ kind: 'tensor', value });
const floats = (value: readonly number[]): Attribute => ({ kind: 'floats', value });
const strings = (value: readonly string[]): Attribute => ({ kind: 'strings', value });

const row = (
  op: string,
  inputs: Row['inputs'],
  outputs: string | readonly string[],
  attributes: NonNullable<Row['attributes']>,
  opset?: number,
): Row => ({ op, inputs, outputs: [outputs].flat(), attributes, ...(opset ? { opset } : {}) });

const microsoft = (...of: Parameters<typeof row>): Row => ({
  ...row(...of),
  domain: 'com.microsoft',
});

const float8 = (...dims: number[]): Tensor =>
  tensorOf('float8e4m3fn', dims, new Uint8Array(count(dims)));

/** Runs, but the runtime's binding does not hand out what it computed. */
const unread = (one: Row): Row => ({ ...one, refused: /Unsupported data type/ });

/** Operators that keep the shape of their first input, with every attribute set to what is not its default. */
const sameShape = (
  [
    ['Celu', { alpha: float(2) }],
    ['Elu', { alpha: float(2) }],
    ['HardSigmoid', { alpha: float(0.5), beta: float(0.1) }],
    ['LeakyRelu', { alpha: float(0.5) }],
    ['Selu', { alpha: float(2), gamma: float(3) }],
    ['ThresholdedRelu', { alpha: float(2) }],
    ['Shrink', { bias: float(0.5), lambd: float(1) }],
    ['LpNormalization', { axis: 0, p: 1 }],
    ['Hardmax', { axis: 0 }],
    ['Softmax', { axis: 0 }],
    ['LogSoftmax', { axis: -2 }],
    ['Gelu', { approximate: 'tanh' }, 20],
    ['Swish', { alpha: float(2) }, 24],
    ['Dropout', { seed: 3 }],
    ['Trilu', { upper: 0 }],
  ] as [string, NonNullable<Row['attributes']>, number?][]
).map(([op, attributes, opset]) => row(op, [x(b, s, 4)], 'float32 [b, s, 4]', attributes, opset));

/** Operators without attributes that no row of shapes has. */
const plain: readonly Row[] = [
  ...'Acos Acosh Asin Asinh Atan Atanh Cosh Sinh Tan HardSwish Mish'
    .split(' ')
    .map((op) => row(op, [x(b, s, 4)], 'float32 [b, s, 4]', {}, 18)),
  row('PRelu', [x(b, s, 4), zeros(4)], 'float32 [b, s, 4]', {}),
  row('BitwiseNot', [i64(b, s)], 'int64 [b, s]', {}, 18),
  ...'BitwiseAnd BitwiseOr BitwiseXor'
    .split(' ')
    .map((op) => row(op, [i64(b, 1), i64(s)], 'int64 [b, s]', {}, 18)),
  row('GlobalMaxPool', [x(b, 4, s)], 'float32 [b, 4, 1]', {}),
  row(
    'QLinearMatMul',
    [u8(b, s, 4), number(1), bytes(), bytes(4, 3), number(1), bytes(), number(1), bytes()],
    'uint8 [b, s, 3]',
    {},
  ),
];

const reductions = 'Sum Mean Max Min Prod L1 L2 LogSum LogSumExp SumSquare'
  .split(' ')
  .flatMap((kind) => [
    row(`Reduce${kind}`, [x(b, s, 4)], 'float32 []', { keepdims: 0 }),
    row(`Reduce${kind}`, [x(b, s, 4)], 'float32 [b, s, 4]', { noop_with_empty_axes: 1 }, 18),
  ]);

const windows: readonly Row[] = [
  // A kernel of a length that is not known but for the attribute.
  row('Conv', [x(b, 4, 9), x(6, 4, n)], 'float32 [b, 6, 9]', { kernel_shape: [1] }),
  row('ConvTranspose', [x(b, 4, 5), x(4, 3, n)], 'float32 [b, 3, 5]', { kernel_shape: [1] }),
  row('Conv', [x(b, 4, 11), zeros(6, 4, 3)], 'float32 [b, 6, 7]', { dilations: [2] }),
  row('Conv', [x(b, 4, 8, 9), zeros(6, 4, 3, 4)], 'float32 [b, 6, 4, 3]', {
    strides: [2, 3],
    auto_pad: 'SAME_LOWER',
  }),
  row('Conv', [x(b, 4, s), zeros(6, 4, 3)], 'float32 [b, 6, s]', { auto_pad: 'SAME_UPPER' }),
  row('Conv', [x(b, 4, 9), zeros(6, 4, 3)], 'float32 [b, 6, 7]', { auto_pad: 'VALID' }),
  row('Conv', [x(b, 4, 9, 8), zeros(6, 4, 2, 3)], 'float32 [b, 6, 9, 4]', {
    kernel_shape: [2, 3],
    pads: [1, 0, 0, 1],
    strides: [1, 2],
  }),
  row('ConvTranspose', [x(b, 4, 5, 6), zeros(4, 3, 3, 2)], 'float32 [b, 3, 11, 18]', {
    kernel_shape: [3, 2],
    strides: [2, 3],
    output_padding: [1, 2],
    pads: [1, 0, 0, 1],
  }),
  row('ConvTranspose', [x(b, 4, 5), zeros(4, 3, 3)], 'float32 [b, 3, 9]', { dilations: [2] }),
  row('ConvTranspose', [x(b, 4, 5), zeros(4, 3, 3)], 'float32 [b, 3, 10]', {
    strides: [2],
    output_shape: [10],
  }),
  row('ConvTranspose', [x(b, 4, 5), zeros(4, 3, 3)], 'float32 [b, 3, ?]', {
    strides: [2],
    auto_pad: 'SAME_UPPER',
  }),
  ...['AveragePool', 'MaxPool'].flatMap((op) => [
    row(op, [x(b, 4, 9)], 'float32 [b, 4, 5]', { kernel_shape: [2], strides: [2], pads: [0, 1] }),
    row(op, [x(b, 4, 9)], 'float32 [b, 4, 3]', { kernel_shape: [3], dilations: [3] }, 19),
    row(op, [x(b, 4, 9, 7)], 'float32 [b, 4, 5, 3]', {
      kernel_shape: [3, 2],
      strides: [2, 3],
      auto_pad: 'SAME_UPPER',
    }),
    row(op, [x(b, 4, 9)], 'float32 [b, 4, 4]', {
      kernel_shape: [3],
      strides: [2],
      auto_pad: 'VALID',
    }),
    row(op, [x(b, 4, 9)], 'float32 [b, 4, ?]', { kernel_shape: [2], strides: [2], ceil_mode: 1 }),
  ]),
  row('AveragePool', [x(b, 4, 9)], 'float32 [b, 4, 9]', {
    kernel_shape: [3],
    pads: [1, 1],
    count_include_pad: 1,
  }),
  row('MaxPool', [x(b, 4, 9, 8)], ['float32 [b, 4, 7, 7]', 'int64 [b, 4, 7, 7]'], {
    kernel_shape: [3, 2],
    storage_order: 1,
  }),
];

const indexing: readonly Row[] = [
  row('ArgMax', [x(b, s, 9)], 'int64 [b, 1, 9]', { axis: -2, select_last_index: 1 }),
  row('ArgMin', [x(b, s, 9)], 'int64 [b, 9]', { axis: 1, keepdims: 0, select_last_index: 1 }),
  row('Gather', [x(b, s, 4), i64(n)], 'float32 [b, s, n]', { axis: -1 }),
  row('GatherElements', [x(b, 4), i64(b, 2)], 'float32 [b, 2]', { axis: -1 }),
  row('GatherND', [x(b, s, 4, 5), i64(b, s, 1)], 'float32 [b, s, 5]', { batch_dims: 2 }),
  row('ScatterElements', [x(b, 4), i64(b, 2), x(b, 2)], 'float32 [b, 4]', {
    axis: -1,
    reduction: 'add',
  }),
  row('Compress', [x(b, s), bool(b)], 'float32 [?, s]', { axis: -2 }),
  row('OneHot', [i64(b, s), int(7), zeros(2)], 'float32 [7, b, s]', { axis: -3 }),
  row('TopK', [x(9, b), ints(2)], ['float32 [2, b]', 'int64 [2, b]'], {
    axis: 0,
    largest: 0,
    sorted: 0,
  }),
  row('ReverseSequence', [x(4, s), ints(1, 1, 1, 1)], 'float32 [4, s]', {
    batch_axis: 0,
    time_axis: 1,
  }),
  row('CumSum', [x(b, s), int(1)], 'float32 [b, s]', { exclusive: 1, reverse: 1 }),
  row('CumProd', [x(b, s), int(1)], 'float32 [b, s]', { exclusive: 1, reverse: 1 }, 26),
  row(
    'TensorScatter',
    [x(b, 4, 3), x(b, 4, 1), i64(b)],
    'float32 [b, 4, 3]',
    {
      axis: -1,
      mode: 'circular',
    },
    24,
  ),
  row('Concat', [x(b, s), x(b, 2)], 'float32 [b, s+2]', { axis: 1 }),
  row('Concat', [x(b, s), x(2, s)], 'float32 [b+2, s]', { axis: -2 }),
  row('Flatten', [x(b, s, 4)], 'float32 [1, 4*b*s]', { axis: -3 }),
  row('Split', [x(b, 7)], ['float32 [b, 4]', 'float32 [b, 3]'], { axis: -1, num_outputs: 2 }, 18),
  row('Transpose', [x(b, s, 4)], 'float32 [4, b, s]', { perm: [2, 0, 1] }),
  row('Reshape', [x(0, 3), ints(3, 0)], 'float32 [3, 0]', { allowzero: 1 }),
  ...['reflect', 'edge', 'wrap'].map((mode) =>
    row('Pad', [x(b, 4), ints(0, 1, 0, 2)], 'float32 [b, 7]', { mode }, 19),
  ),
  // The sign is the dividend's: −1, not 2.
  row('Mod', [ints(-7), ints(3)], 'int64 [1]', { fmod: 1 }),
  row('Mod', [x(b, s), number(3)], 'float32 [b, s]', { fmod: 1 }),
  row('BitShift', [u8(b, s), u8(s)], 'uint8 [b, s]', { direction: 'LEFT' }),
  row('BitShift', [u8(b, s), u8(s)], 'uint8 [b, s]', { direction: 'RIGHT' }),
  row('IsInf', [x(b, s)], 'bool [b, s]', { detect_negative: 0, detect_positive: 0 }),
  row('Einsum', [x(b, s, 4)], 'float32 [4, b]', { equation: 'bsd->db' }),
];

const made: readonly Row[] = [
  row('Shape', [x(b, s, 4)], 'int64 [2] = s, 4', { start: -2 }, 15),
  row('Shape', [x(b, s, 4)], 'int64 [2] = b, s', { end: 2 }, 15),
  row('Shape', [x(b, s, 4)], 'int64 [0] = ', { start: 2, end: 1 }, 15),
  row('Bernoulli', [x(b, 4)], 'float64 [b, 4]', { dtype: 11, seed: float(3) }, 15),
  row('EyeLike', [x(b, 4)], 'int64 [b, 4]', { dtype: 7, k: -1 }),
  row('RandomNormal', [], 'float64 [2, 3]', {
    dtype: 11,
    mean: float(2),
    scale: float(3),
    seed: float(4),
    shape: [2, 3],
  }),
  row('RandomNormal', [], 'float32 [4]', { shape: [4] }),
  row('RandomUniform', [], 'float64 [4]', {
    dtype: 11,
    high: float(3),
    low: float(2),
    seed: float(4),
    shape: [4],
  }),
  row('RandomNormalLike', [x(b, 4)], 'float64 [b, 4]', {
    dtype: 11,
    mean: float(2),
    scale: float(3),
    seed: float(4),
  }),
  row('RandomUniformLike', [x(b, 4)], 'float64 [b, 4]', {
    dtype: 11,
    high: float(3),
    low: float(2),
    seed: float(4),
  }),
  row('ConstantOfShape', [ints(3)], 'int64 [3] = 7, 7, 7', { value: tensor(ints(7)) }),
  row('Constant', [], 'float32 [2, 3]', { value: tensor(zeros(2, 3)) }),
  row('Constant', [], 'int64 [2] = 4, -5', { value: tensor(ints(4, -5)) }),
  row('Constant', [], 'int64 [] = 5', { value_int: 5 }),
  row('Constant', [], 'int64 [3] = 5, 6, 7', { value_ints: [5, 6, 7] }),
  row('Constant', [], 'float32 []', { value_float: float(2) }),
  row('Constant', [], 'float32 [2]', { value_floats: floats([2, 3]) }),
  row('Constant', [], 'string []', { value_string: 'a' }),
  row('Constant', [], 'string [2]', { value_strings: strings(['a', 'b']) }),
  row('Cast', [x(b, s)], 'int32 [b, s]', { to: 6 }),
  unread(row('Cast', [x(b, s)], 'float8e4m3fn [b, s]', { to: 17, saturate: 0 }, 19)),
  unread(row('CastLike', [x(b, s), float8(1)], 'float8e4m3fn [b, s]', { saturate: 0 }, 19)),
  unread(row('Cast', [x(b, s)], 'float8e8m0 [b, s]', { to: 24, round_mode: 'down' }, 25)),
  row('CastLike', [x(b, s), i32(1)], 'int32 [b, s]', { round_mode: 'down' }, 25),
];

const quantized: readonly Row[] = [
  row('QuantizeLinear', [x(4, s), ones(4), bytes(4)], 'uint8 [4, s]', { axis: 0 }, 13),
  row(
    'QuantizeLinear',
    [x(4, 6), ones(4, 2)],
    'int8 [4, 6]',
    {
      axis: -1,
      block_size: 3,
      output_dtype: 3,
    },
    21,
  ),
  row('QuantizeLinear', [x(b, 4), number(1)], 'uint8 [b, 4]', { precision: 1 }, 23),
  unread(
    row(
      'QuantizeLinear',
      [x(b, 4), number(1)],
      'float8e4m3fn [b, 4]',
      {
        output_dtype: 17,
        saturate: 0,
      },
      21,
    ),
  ),
  row('DequantizeLinear', [bytes(4, 6), ones(4)], 'float32 [4, 6]', { axis: 0 }),
  row(
    'DequantizeLinear',
    [bytes(4, 6), ones(4, 2)],
    'float32 [4, 6]',
    { axis: 1, block_size: 3 },
    21,
  ),
];

const statistics = ['float32 [b, s, 4]', 'float32 [b, 1, 1]', 'float32 [b, 1, 1]'];

const networks: readonly Row[] = [
  row('LayerNormalization', [x(b, s, 4), zeros(4)], statistics, {
    axis: -2,
    epsilon: float(0.5),
  }),
  row('LayerNormalization', [x(b, s, 4), zeros(4)], statistics, { axis: 1 }),
  row(
    'RMSNormalization',
    [x(b, s, 4), zeros(4)],
    'float32 [b, s, 4]',
    {
      axis: -2,
      epsilon: float(0.5),
      stash_type: 11,
    },
    23,
  ),
  row('InstanceNormalization', [x(b, 2, s), zeros(2), zeros(2)], 'float32 [b, 2, s]', {
    epsilon: float(0.5),
  }),
  row(
    'GroupNormalization',
    [x(b, 4, s), zeros(4), zeros(4)],
    'float32 [b, 4, s]',
    {
      epsilon: float(0.5),
      num_groups: 2,
      stash_type: 11,
    },
    21,
  ),
  row('MeanVarianceNormalization', [x(b, 2, s, 3)], 'float32 [b, 2, s, 3]', { axes: [1, 3] }),
  ...[0, 1].flatMap((transA) =>
    [0, 1].map((transB) =>
      row(
        'Gemm',
        [transA ? x(4, b) : x(b, 4), transB ? zeros(3, 4) : zeros(4, 3)],
        'float32 [b, 3]',
        { transA, transB, alpha: float(2), beta: float(3) },
      ),
    ),
  ),
  row(
    'Attention',
    [x(b, s, 16), x(b, n, 4), x(b, n, 6)],
    'float32 [b, s, 24]',
    {
      q_num_heads: 8,
      kv_num_heads: 2,
      is_causal: 1,
      scale: float(0.5),
      softcap: float(2),
      softmax_precision: 11,
    },
    23,
  ),
  row(
    'Attention',
    [x(b, 2, s, 4), x(b, 2, s, 4), x(b, 2, s, 6)],
    [
      'float32 [b, 2, s, 6]',
      'float32 [b, 2, s, 4]',
      'float32 [b, 2, s, 6]',
      'float32 [b, 2, s, s]',
    ],
    { qk_matmul_output_mode: 1 },
    23,
  ),
  row(
    'RotaryEmbedding',
    [x(b, s, 16), x(b, s, 2), x(b, s, 2)],
    'float32 [b, s, 16]',
    {
      interleaved: 1,
      num_heads: 2,
      rotary_embedding_dim: 4,
    },
    23,
  ),
];

const contrib: readonly Row[] = [
  microsoft('FusedMatMul', [x(b, 4, s), x(b, 3, 4)], 'float32 [b, s, 3]', {
    transA: 1,
    transB: 1,
    alpha: float(2),
  }),
  microsoft('FusedMatMul', [x(s, b, 4), x(b, 4, 3)], 'float32 [b, s, 3]', { transBatchA: 1 }),
  microsoft('FusedMatMul', [x(b, s, 4), x(4, b, 3)], 'float32 [b, s, 3]', { transBatchB: 1 }),
  microsoft('TransposeMatMul', [x(b, 4, s), x(b, 3, 4)], 'float32 [b, s, 3]', {
    transA: 1,
    transB: 1,
    alpha: float(2),
  }),
  microsoft('FusedMatMul', [x(s, b, 5, 4), x(4, b, 5, 3)], 'float32 [b, 5, s, 3]', {
    transBatchA: 1,
    transBatchB: 1,
  }),
  microsoft('QuickGelu', [x(b, 4)], 'float32 [b, 4]', { alpha: float(2) }),
  ...['SkipLayerNormalization', 'SkipSimplifiedLayerNormalization'].map((op) =>
    microsoft(op, [x(b, s, 4), x(b, s, 4), zeros(4)], 'float32 [b, s, 4]', { epsilon: float(0.5) }),
  ),
  microsoft(
    'EmbedLayerNormalization',
    [i32(b, s), i32(b, s), zeros(9, 4), zeros(9, 4), zeros(2, 4), zeros(4), zeros(4)],
    ['float32 [b, s, 4]', 'int32 [b]'],
    { epsilon: float(0.5), mask_index_type: 1 },
  ),
  microsoft('Attention', [x(b, s, 8), zeros(8, 20), zeros(20)], 'float32 [b, s, 12]', {
    num_heads: 2,
    qkv_hidden_sizes: [4, 4, 12],
    mask_filter_value: float(-9),
    scale: float(0.5),
    unidirectional: 1,
  }),
  microsoft('MultiHeadAttention', [x(b, s, 8), x(b, s, 8), x(b, s, 12)], 'float32 [b, s, 12]', {
    num_heads: 4,
    mask_filter_value: float(-9),
    scale: float(0.5),
    unidirectional: 1,
  }),
  microsoft('MultiHeadAttention', [x(b, s, 8), x(b, 2, n, 4), x(b, 2, n, 4)], 'float32 [b, s, 8]', {
    num_heads: 2,
  }),
  microsoft(
    'QAttention',
    [u8(b, s, 8), bytes(8, 24), zeros(24), number(1), number(1)],
    'float32 [b, s, 8]',
    { num_heads: 4, unidirectional: 1, mask_filter_value: float(-9), scale: float(0.5) },
  ),
  microsoft('MatMulNBits', [x(b, s, 32), bytes(3, 1, 32), zeros(3)], 'float32 [b, s, 3]', {
    K: 32,
    N: 3,
    bits: 8,
    block_size: 32,
    accuracy_level: 1,
  }),
  microsoft('Attention', [x(b, s, 8), zeros(8, 24), zeros(24)], 'float32 [b, s, 8]', {
    num_heads: 2,
    past_present_share_buffer: 1,
  }),
  microsoft(
    'QAttention',
    [u8(b, s, 8), bytes(8, 24), zeros(24), number(1), number(1)],
    'float32 [b, s, 8]',
    { num_heads: 2, do_rotary: 1, past_present_share_buffer: 1 },
  ),
  microsoft(
    'GatherBlockQuantized',
    [bytes(9, 5, 16), i64(b, s), zeros(9, 5, 2)],
    'float32 [b, s, 5, 32]',
    {
      block_size: 16,
      quantize_axis: 2,
    },
  ),
  microsoft('MatMulNBits', [x(b, s, 32), bytes(3, 2, 8), zeros(6)], 'float32 [b, s, 3]', {
    K: 32,
    N: 3,
    bits: 4,
    block_size: 16,
    weight_prepacked: 1,
  }),
  microsoft('MatMulNBits', [x(b, s, 64), bytes(5, 2, 16), zeros(10)], 'float32 [b, s, 5]', {
    K: 64,
    N: 5,
    bits: 4,
    block_size: 32,
  }),
  microsoft('GatherBlockQuantized', [bytes(9, 32), i64(b, s), zeros(9, 2)], 'float32 [b, s, 32]', {
    bits: 8,
    block_size: 16,
    gather_axis: 0,
    quantize_axis: 1,
  }),
];

/** What the runtime has no kernel for, and its words: inference tells the shape all the same. */
const withoutKernel: readonly Row[] = (
  [
    [
      /output type|Tensor type mismatch/,
      row('DequantizeLinear', [bytes(4, 6), number(1)], 'float16 [4, 6]', { output_dtype: 10 }, 23),
    ],
    [
      /Unrecognized attribute: (left|right)_window_size/,
      row(
        'Attention',
        [x(b, 2, s, 4), x(b, 2, s, 4), x(b, 2, s, 4)],
        'float32 [b, 2, s, 4]',
        { left_window_size: 1, right_window_size: 0 },
        25,
      ),
    ],
    [
      /Could not find an implementation/,
      row(
        'LayerNormalization',
        [x(b, s, 4), zeros(4)],
        ['float32 [b, s, 4]', 'float64 [b, s, 1]', 'float64 [b, s, 1]'],
        { stash_type: 11 },
      ),
    ],
    [
      /Could not find an implementation/,
      microsoft('BiasDropout', [x(b, s, 4), zeros(4)], ['float32 [b, s, 4]', 'bool [b, s, 4]'], {
        seed: 3,
      }),
    ],
    [
      /Could not find an implementation/,
      microsoft('BitmaskDropout', [x(b, 4)], ['float32 [b, 4]', 'uint32 [?]'], { seed: 3 }),
    ],
    [
      /Rotary embedding is not supported/,
      microsoft('Attention', [x(b, s, 8), zeros(8, 24), zeros(24)], 'float32 [b, s, 8]', {
        num_heads: 2,
        do_rotary: 1,
        rotary_embedding_dim: 64,
      }),
    ],
    [
      /gather_axis must be 0/,
      microsoft('GatherBlockQuantized', [bytes(9, 16), i64(b), zeros(9, 2)], 'float32 [9, b]', {
        block_size: 16,
        gather_axis: 1,
      }),
    ],
  ] as [RegExp, Row][]
).map(([refused, one]) => ({ ...one, refused }));

/** What older operator sets say by attributes that are inputs today: files of these can be looked at. */
const ofOld: readonly Row[] = [
  row('Slice', [x(b, 10)], 'float32 [b, 5]', { starts: [2], ends: [7], axes: [1] }, 9),
  row('Slice', [x(9, 8)], 'float32 [6, 7]', { starts: [-7, 1], ends: [-1, 8] }, 9),
  row('TopK', [x(b, 9)], ['float32 [b, 3]', 'int64 [b, 3]'], { k: 3 }, 9),
  row('Pad', [x(b, 4)], 'float32 [b, 7]', { pads: [0, 1, 0, 2] }, 10),
];

/** Rows for attributes, beside those for shapes: every one with a value that is not its default. */
export const attributeRows: readonly Row[] = [
  ...plain,
  ...sameShape,
  ...reductions,
  ...windows,
  ...indexing,
  ...made,
  ...quantized,
  ...networks,
  ...contrib,
  ...ofOld,
  ...withoutKernel,
];

/** Attributes that have no row here, and why. */
export const checkedElsewhere: Readonly<Record<string, string>> = {
  'Constant.sparse_value': 'nothing is inferred of a sparse tensor',
  'If.then_branch': 'a graph: infer.test.ts',
  'If.else_branch': 'a graph: infer.test.ts',
  'Loop.body': 'a graph: infer.test.ts',
  'Scan.body': 'a graph: infer.test.ts',
  'Scan.num_scan_inputs': 'infer.test.ts',
  'Scan.scan_input_axes': 'infer.test.ts',
  'Scan.scan_input_directions': 'infer.test.ts',
  'Scan.scan_output_axes': 'infer.test.ts',
  'Scan.scan_output_directions': 'infer.test.ts',
};

const named = (domain: string, table: Readonly<Record<string, string>>): string[] =>
  Object.entries(table).flatMap(([op, attributes]) =>
    attributes.split(' ').map((attribute) => `${domain}${op}.${attribute}`),
  );

/** Attributes on which neither type nor shape depends. */
export const keepsShape: ReadonlySet<string> = new Set([
  ...named('', {
    ArgMax: 'select_last_index',
    ArgMin: 'select_last_index',
    Attention:
      'is_causal qk_matmul_output_mode scale softcap softmax_precision left_window_size right_window_size',
    AveragePool: 'count_include_pad',
    Bernoulli: 'seed',
    BitShift: 'direction',
    Cast: 'round_mode saturate',
    CastLike: 'saturate round_mode',
    Celu: 'alpha',
    Conv: 'group',
    CumProd: 'exclusive reverse',
    CumSum: 'exclusive reverse',
    DequantizeLinear: 'axis block_size',
    Dropout: 'seed',
    Elu: 'alpha',
    EyeLike: 'k',
    GatherElements: 'axis',
    Gelu: 'approximate',
    Gemm: 'alpha beta',
    GroupNormalization: 'epsilon num_groups stash_type',
    HardSigmoid: 'alpha beta',
    Hardmax: 'axis',
    InstanceNormalization: 'epsilon',
    IsInf: 'detect_negative detect_positive',
    LayerNormalization: 'epsilon',
    LeakyRelu: 'alpha',
    LogSoftmax: 'axis',
    LpNormalization: 'axis p',
    MaxPool: 'storage_order',
    MeanVarianceNormalization: 'axes',
    Pad: 'mode',
    QuantizeLinear: 'axis block_size precision saturate',
    RMSNormalization: 'axis epsilon stash_type',
    RandomNormal: 'mean scale seed',
    RandomNormalLike: 'mean scale seed',
    RandomUniform: 'high low seed',
    RandomUniformLike: 'high low seed',
    ReverseSequence: 'batch_axis time_axis',
    RotaryEmbedding: 'interleaved num_heads rotary_embedding_dim',
    ScatterElements: 'axis reduction',
    ScatterND: 'reduction',
    Selu: 'alpha gamma',
    Shrink: 'bias lambd',
    Softmax: 'axis',
    Split: 'num_outputs',
    Swish: 'alpha',
    TensorScatter: 'axis mode',
    ThresholdedRelu: 'alpha',
    TopK: 'largest sorted',
    Trilu: 'upper',
  }),
  ...named('com.microsoft:', {
    Attention:
      'mask_filter_value num_heads scale unidirectional do_rotary rotary_embedding_dim past_present_share_buffer',
    BiasDropout: 'seed',
    BitmaskDropout: 'seed',
    EmbedLayerNormalization: 'epsilon mask_index_type',
    FusedMatMul: 'alpha',
    GatherBlockQuantized: 'block_size quantize_axis',
    MatMulNBits: 'K accuracy_level bits block_size weight_prepacked',
    MultiHeadAttention: 'mask_filter_value scale unidirectional',
    QAttention:
      'mask_filter_value num_heads scale unidirectional do_rotary past_present_share_buffer',
    QuickGelu: 'alpha',
    SkipLayerNormalization: 'epsilon',
    SkipSimplifiedLayerNormalization: 'epsilon',
    TransposeMatMul: 'alpha',
  }),
]);
