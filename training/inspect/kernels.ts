/** Execution providers that are told apart. */
export const providers = ['cpu', 'cuda', 'webgpu'] as const;
export type Provider = (typeof providers)[number];

/** Element types by the letters of the table. */
const letters: Readonly<Record<string, string>> = {
  float32: 'f',
  float16: 'h',
  bfloat16: 'b',
  int64: 'l',
  int32: 'i',
  bool: 'o',
};

/**
 * The element types for which onnxruntime 1.30 has a kernel, of its CPU, CUDA and WebGPU provider; `-`: none.
 * The CPU and WebGPU columns were checked by creating sessions, CUDA's by its documentation. A node
 * without a kernel falls to the CPU; nothing is said about operators that are not listed. On the CPU float16
 * also runs without a kernel, as float32. `(add)`: with the attribute `reduction`.
 */
const kernels: Readonly<Record<string, string>> = {
  // The runtime turns these into initializers when it loads a model
  Constant: 'fhblio fhblio fhblio',
  Add: 'fli fhbli fhi',
  Sub: 'fli fhbli fhi',
  Mul: 'fli fhbli fhi',
  Div: 'fli fhbli fhi',
  Pow: 'fli fhbli fhi',
  Sqrt: 'f fhb fh',
  Exp: 'f fhb fh',
  Log: 'f fh fh',
  Erf: 'f fhb fh',
  Tanh: 'f fhb fh',
  Sigmoid: 'f fhb fh',
  Reciprocal: 'f fh fh',
  Softplus: 'f fh fh',
  Relu: 'fi fhb fh',
  Neg: 'fli fhbli fh',
  Abs: 'fli fhbli fh',
  Clip: 'fhli fhl fhi',
  Min: 'fhli fhbli fhi',
  Max: 'fhli fhbli fhi',
  Sum: 'f fhb -',
  MatMul: 'fli fhb fh',
  Gemm: 'f fhb fhi',
  Softmax: 'f fhb fh',
  LogSoftmax: 'f fh -',
  ReduceSum: 'fli fhbli fhi',
  ReduceMean: 'fli fhi fhi',
  ReduceMax: 'flio fhli fhi',
  ReduceL2: 'fli fhi fhi',
  ReduceSumSquare: 'fli fh fhi',
  Transpose: 'fhblio fhblio fhi',
  Reshape: 'fhblio fhblio fhio',
  Unsqueeze: 'fhblio fhblio fhio',
  Squeeze: 'fhblio fhblio fhi',
  Slice: 'fhblio fhblio fh',
  Pad: 'flio fho fhi',
  Gather: 'fhblio fhblio fhio',
  GatherElements: 'fhblio fhblio fh',
  ScatterND: 'fhblio fhblio fhi',
  'ScatterND(add)': 'fli fh fi',
  ScatterElements: 'fhblio fhblio fhi',
  'ScatterElements(add)': 'fli fh fhi',
  Concat: 'fhblio fhblio fhi',
  Split: 'fhblio fhblio fhi',
  Where: 'fli fhbli fhio',
  Expand: 'fhlio fhblio fhio',
  Cast: 'fhblio fhblio fhio',
  Shape: 'fhblio fhblio fhi',
  Range: 'fli fli fi',
  ConstantOfShape: 'fhblio fhblio -',
  Equal: 'flio fhlio fhi',
  Greater: 'fli fhli fhi',
  Less: 'fli fhli fhi',
  Not: 'o o o',
  And: 'o o o',
  LayerNormalization: 'fhb fhb fh',
  Gelu: 'f fhb fh',
  Dropout: 'f fhb -',
  OneHot: 'fli fhl -',
  Identity: 'fhblio fhblio fhi',
  Loop: 'fhblio fhblio -',
  If: 'fhblio fhblio fhblio',
  Scan: 'fhblio fhblio -',
  SequenceConstruct: 'fhblio fhblio -',
  Tile: 'flio fhbli fhi',
  RandomUniformLike: 'f fh -',
  Bernoulli: '- - -',
  IsNaN: 'fhb fhb -',
  IsInf: 'fhb fhb -',
  // From here to the end of the block WebGPU was not checked, and no kernel is claimed
  GreaterOrEqual: 'fli fhli -',
  LessOrEqual: 'fli fhli -',
  Or: 'o o -',
  NonZero: 'flio fhlio -',
  Flatten: 'fhblio fhblio -',
  CumSum: 'fli fhli -',
  GatherND: 'fhblio fhblo -',
  Einsum: 'fli fh -',
  Conv: 'f fh -',
  ConvTranspose: 'f fh -',
  MaxPool: 'f fh -',
  GlobalAveragePool: 'f fh -',
  Ceil: 'f fh -',
  Floor: 'f fh -',
  Cos: 'f fh -',
  Sin: 'f fh -',
  Elu: 'f fh -',
  LeakyRelu: 'f fh -',
  PRelu: 'f fh -',
  HardSigmoid: 'f fh -',
  HardSwish: 'f fh -',
  Mod: 'fli fhbli -',
  InstanceNormalization: 'f fh -',
  RMSNormalization: 'fh fhb -',
  'com.microsoft:FusedMatMul': 'f fhb -',
  'com.microsoft:BiasGelu': 'f fhb fh',
  'com.microsoft:FastGelu': 'f fhb fh',
  'com.microsoft:Gelu': 'f fhb fh',
  'com.microsoft:SkipLayerNormalization': 'fhb fhb fh',
  'com.microsoft:EmbedLayerNormalization': 'f fh -',
  'com.microsoft:Attention': 'f fhb fh',
  'com.microsoft:MultiHeadAttention': 'f fhb fh',
  'com.microsoft:QAttention': 'f fh -',
  'com.microsoft:DynamicQuantizeMatMul': 'f - -',
  'com.microsoft:MatMulIntegerToFloat': 'f - -',
  'com.microsoft:MatMulNBits': 'fh fhb fh',
  'com.microsoft:GatherBlockQuantized': 'fh fhb fh',
  'com.microsoft:BiasDropout': '- fhb -',
  'com.microsoft:BitmaskDropout': '- fhb -',
  'com.microsoft:FusedAdam': '- - -',
  'com.microsoft:AdamWOptimizer': '- - -',
  'com.microsoft:TransposeMatMul': 'f fhb -',
  'com.microsoft:PackedAttention': '- fh -',
  'com.microsoft:RemovePadding': '- fh -',
};

/** Operator sets from which on the CUDA provider has no kernel any more. */
const withoutCudaFrom: Readonly<Record<string, number>> = {
  ReduceMax: 20,
  Pad: 19,
  ConstantOfShape: 20,
  Equal: 19,
  Identity: 21,
  Loop: 21,
  If: 21,
  Scan: 21,
};

/** The first operator set that has an operator, where that is above 17. */
const since: Readonly<Record<string, number>> = { Gelu: 20, RMSNormalization: 23 };

export type KernelAnswer = Readonly<Record<Provider, boolean>>;

/**
 * Whether each provider has a kernel for an element type; undefined where that is not known. Where the type is
 * not given: for float32, or for the operator's only types.
 *
 * @param operator with its domain unless that is the default one, and with `(add)` where it reduces so
 */
export function kernelsOf(
  operator: string,
  opset: number,
  type?: string,
): KernelAnswer | undefined {
  const row = rowOf(operator);
  if (row === undefined || opset < (ownOf(since, operator) ?? 0)) return undefined;
  const letter = type === undefined ? (/f/.test(row) ? 'f' : '') : letters[type];
  if (letter === undefined) return undefined;
  const columns = row.split(' ');
  const has = (provider: Provider): boolean => {
    const types = columns[providers.indexOf(provider)] ?? '-';
    return types !== '-' && types.includes(letter);
  };
  const noCuda = opset >= (ownOf(withoutCudaFrom, operator) ?? Number.POSITIVE_INFINITY);
  return {
    cpu: has('cpu') || (type === 'float16' && /^\S*f/.test(row)),
    cuda: has('cuda') && !noCuda,
    webgpu: has('webgpu'),
  };
}

const ownOf = (table: Readonly<Record<string, number>>, key: string): number | undefined =>
  Object.hasOwn(table, key) ? table[key] : undefined;

function rowOf(operator: string): string | undefined {
  for (const key of [operator, operator.replace(/\(.*\)$/, '')]) {
    if (Object.hasOwn(kernels, key)) return kernels[key];
  }
  return undefined;
}
