/** Numbers at which something ends: of a byte, a word, a double, an int64. */
export const numbers: readonly bigint[] = [
  0n,
  1n,
  -1n,
  2n,
  3n,
  63n,
  64n,
  65n,
  -64n,
  255n,
  1_000_000_000n,
  2n ** 31n - 1n,
  2n ** 31n,
  -(2n ** 31n),
  2n ** 32n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 62n,
  2n ** 63n - 1n,
  -(2n ** 63n),
];

export const floats: readonly number[] = [
  0,
  -0,
  1,
  -1,
  0.5,
  1e-45,
  3.4e38,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
];

/** Names that every object of JavaScript answers to, that a terminal obeys, or that are too long. */
export const names: readonly string[] = [
  '',
  'constructor',
  'toString',
  '__proto__',
  'hasOwnProperty',
  'valueOf',
  '\u001b[2J\u001b]0;owned\u0007',
  'x\nerror: forged\n    at Object.<anonymous> (x.js:1:1)',
  '\u202egnp.exe',
  'ä\ud83d\ude00',
  'n'.repeat(5000),
  '/',
  'ai.onnx',
  'com.microsoft',
];

export const dimensionNames: readonly string[] = [
  '',
  '?',
  'batch',
  'a*b',
  'a+b',
  '-5',
  '0*a',
  '99999999999999999999*a',
  'a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a',
  Array.from({ length: 200 }, (_, i) => `a${i}`).join('+'),
  ...names,
];

export const operators: readonly string[] = [
  ...`Add Sub Mul Div Pow Mod Sum Min Max Mean MatMul Gemm Einsum Conv ConvTranspose MaxPool AveragePool
    GlobalAveragePool Reshape Flatten Transpose Squeeze Unsqueeze Expand Tile Concat Split Pad Slice Gather
    GatherElements GatherND ScatterND ScatterElements TopK ArgMax OneHot NonZero Compress Shape Size
    ConstantOfShape Range Constant RandomUniform RandomNormal Cast CastLike Where Equal Less Greater Not And
    Identity Dropout Softmax LogSoftmax LayerNormalization RMSNormalization InstanceNormalization Relu Gelu Erf
    Tanh Sigmoid Sqrt Reciprocal Neg Abs Clip CumSum Trilu ReduceSum ReduceMean ReduceProd ReduceMax ReduceL2
    If Loop Scan QuantizeLinear DequantizeLinear DynamicQuantizeLinear MatMulInteger QLinearMatMul Attention
    RotaryEmbedding Resize SequenceConstruct Optional`
    .trim()
    .split(/\s+/),
  ...`FusedMatMul BiasGelu SkipLayerNormalization EmbedLayerNormalization QAttention MultiHeadAttention
    MatMulNBits GatherBlockQuantized BitmaskDropout`
    .trim()
    .split(/\s+/),
  'constructor',
  'toString',
  '__proto__',
  'hasOwnProperty',
];

export const attributeNames: readonly string[] = [
  ...`axis axes perm starts ends steps to dtype value value_int value_ints value_float value_floats shape
    group kernel_shape strides pads dilations auto_pad output_shape output_padding ceil_mode keepdims
    noop_with_empty_axes allowzero start end k largest batch_dims reduction equation transA transB alpha beta
    epsilon stash_type split num_outputs num_heads q_num_heads kv_num_heads qkv_hidden_sizes N K bits block_size
    gather_axis then_branch else_branch body num_scan_inputs scan_input_axes scan_output_axes fmod mode
    output_dtype exclusive reverse upper`
    .trim()
    .split(/\s+/),
  'constructor',
  '__proto__',
];

export const texts: readonly string[] = [
  '',
  'add',
  'mul',
  'none',
  'SAME_UPPER',
  'VALID',
  'reflect',
  'ij,jk->ik',
  '...i,...j->...',
  'bij,bjk',
  'i,,->,',
  ...names,
];
