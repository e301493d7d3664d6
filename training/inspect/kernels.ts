/** Execution providers that are told apart. */
export const providers = ['cpu', 'cuda', 'webgpu'] as const;
export type Provider = (typeof providers)[number];

/**
 * Which providers of onnxruntime 1.30 have a kernel for an operator in float32 (or its only types).
 * The CPU and WebGPU columns were checked by creating sessions, CUDA's by its documentation. A node
 * without a kernel falls to the CPU; nothing is said about operators that are not listed.
 */
const kernels: Readonly<Record<string, string>> = {
  // The runtime turns these into initializers when it loads a model
  Constant: 'cpu cuda webgpu',
  Add: 'cpu cuda webgpu',
  Sub: 'cpu cuda webgpu',
  Mul: 'cpu cuda webgpu',
  Div: 'cpu cuda webgpu',
  Pow: 'cpu cuda webgpu',
  Sqrt: 'cpu cuda webgpu',
  Exp: 'cpu cuda webgpu',
  Log: 'cpu cuda webgpu',
  Erf: 'cpu cuda webgpu',
  Tanh: 'cpu cuda webgpu',
  Sigmoid: 'cpu cuda webgpu',
  Reciprocal: 'cpu cuda webgpu',
  Softplus: 'cpu cuda webgpu',
  Relu: 'cpu cuda webgpu',
  Neg: 'cpu cuda webgpu',
  Abs: 'cpu cuda webgpu',
  Clip: 'cpu cuda webgpu',
  Min: 'cpu cuda webgpu',
  Max: 'cpu cuda webgpu',
  Sum: 'cpu cuda',
  MatMul: 'cpu cuda webgpu',
  Gemm: 'cpu cuda webgpu',
  Softmax: 'cpu cuda webgpu',
  LogSoftmax: 'cpu cuda',
  ReduceSum: 'cpu cuda webgpu',
  ReduceMean: 'cpu cuda webgpu',
  ReduceMax: 'cpu cuda webgpu',
  ReduceL2: 'cpu cuda webgpu',
  ReduceSumSquare: 'cpu cuda webgpu',
  Transpose: 'cpu cuda webgpu',
  Reshape: 'cpu cuda webgpu',
  Unsqueeze: 'cpu cuda webgpu',
  Squeeze: 'cpu cuda webgpu',
  Slice: 'cpu cuda webgpu',
  Pad: 'cpu cuda webgpu',
  Gather: 'cpu cuda webgpu',
  GatherElements: 'cpu cuda webgpu',
  ScatterND: 'cpu cuda webgpu',
  ScatterElements: 'cpu cuda webgpu',
  Concat: 'cpu cuda webgpu',
  Split: 'cpu cuda webgpu',
  Where: 'cpu cuda webgpu',
  Expand: 'cpu cuda webgpu',
  Cast: 'cpu cuda webgpu',
  Shape: 'cpu cuda webgpu',
  Range: 'cpu cuda webgpu',
  ConstantOfShape: 'cpu cuda',
  Equal: 'cpu cuda webgpu',
  Greater: 'cpu cuda webgpu',
  Less: 'cpu cuda webgpu',
  Not: 'cpu cuda webgpu',
  And: 'cpu cuda webgpu',
  LayerNormalization: 'cpu cuda webgpu',
  Gelu: 'cpu cuda webgpu',
  Dropout: 'cpu cuda',
  OneHot: 'cpu cuda',
  Identity: 'cpu cuda webgpu',
  Loop: 'cpu cuda',
  If: 'cpu cuda webgpu',
  Scan: 'cpu cuda',
  SequenceConstruct: 'cpu cuda',
  Tile: 'cpu cuda webgpu',
  RandomUniformLike: 'cpu cuda',
  Bernoulli: '',
  IsNaN: 'cpu cuda',
  IsInf: 'cpu cuda',
  'com.microsoft:FusedMatMul': 'cpu cuda',
  'com.microsoft:BiasGelu': 'cpu cuda webgpu',
  'com.microsoft:FastGelu': 'cpu cuda webgpu',
  'com.microsoft:Gelu': 'cpu cuda webgpu',
  'com.microsoft:SkipLayerNormalization': 'cpu cuda webgpu',
  'com.microsoft:EmbedLayerNormalization': 'cpu cuda',
  'com.microsoft:Attention': 'cpu cuda webgpu',
  'com.microsoft:MultiHeadAttention': 'cpu cuda webgpu',
  'com.microsoft:QAttention': 'cpu cuda',
  'com.microsoft:DynamicQuantizeMatMul': 'cpu',
  'com.microsoft:MatMulIntegerToFloat': 'cpu',
  'com.microsoft:MatMulNBits': 'cpu cuda webgpu',
  'com.microsoft:GatherBlockQuantized': 'cpu cuda webgpu',
  'com.microsoft:BiasDropout': 'cuda',
  'com.microsoft:BitmaskDropout': 'cuda',
  'com.microsoft:FusedAdam': '',
  'com.microsoft:AdamWOptimizer': '',
  'com.microsoft:TransposeMatMul': 'cpu cuda',
  'com.microsoft:PackedAttention': 'cuda',
  'com.microsoft:RemovePadding': 'cuda',
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

/** Whether each provider has a kernel; undefined where that is not known. */
export function kernelsOf(
  operator: string,
  opset: number,
): Readonly<Record<Provider, boolean>> | undefined {
  if (!Object.hasOwn(kernels, operator)) return undefined;
  const listed = (kernels[operator] ?? '').split(' ');
  const noCuda = opset >= (withoutCudaFrom[operator] ?? Number.POSITIVE_INFINITY);
  return {
    cpu: listed.includes('cpu'),
    cuda: listed.includes('cuda') && !noCuda,
    webgpu: listed.includes('webgpu'),
  };
}
