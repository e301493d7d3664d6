import { describe, expect, it } from '@jest/globals';
import { nonDifferentiable } from '../../../training/autodiff/non-differentiable.ts';
import { rules } from '../../../training/autodiff/rules/index.ts';
import { kernelsOf } from '../../../training/inspect/kernels.ts';
import { type Attribute, int } from '../../../training/onnx/attributes.ts';
import { Graph, type Value } from '../../../training/onnx/graph.ts';
import type { DataType } from '../../../training/onnx/tensor.ts';
import { sessionOf } from '../../support/run-graph.ts';

const OPSET = 20;
const types = ['float32', 'float16', 'bfloat16', 'int64', 'int32', 'bool'] as const;

const words = (text: string): string[] => text.split(/\s+/);
const unary =
  words(`Sqrt Exp Log Erf Tanh Sigmoid Reciprocal Softplus Relu Neg Abs Min Max Sum Softmax LogSoftmax
  ReduceSum ReduceMean ReduceMax ReduceL2 ReduceSumSquare Transpose Squeeze Concat Not Gelu Identity Flatten
  Ceil Floor Cos Sin Elu LeakyRelu HardSigmoid HardSwish GlobalAveragePool`);
const truths = words('Equal Greater Less GreaterOrEqual LessOrEqual And Or');
const binary = [...words('Add Sub Mul Div Pow Clip MatMul Gemm Mod PRelu'), ...truths];

/** Attributes that an operator cannot do without. */
const needed: Readonly<Record<string, readonly (readonly [string, Attribute])[]>> = {
  Concat: [['axis', int(0)]],
};

/** A graph of one node; bfloat16, which the runtime takes from nobody, is made of float32 by a Cast, and back. */
function graphOf(op: string, count: number, type: DataType): Graph {
  const graph = new Graph('g', { opset: OPSET });
  const fed = type === 'bfloat16' ? 'float32' : type;
  const cast = (value: Value, to: number, name: string): Value | undefined =>
    graph.addNode({
      op: 'Cast',
      inputs: [value],
      outputs: [name],
      attributes: new Map([['to', int(to)]]),
    }).outputs[0];
  const inputs = Array.from({ length: count }, (_, i) => {
    const input = graph.addInput(`x${i}`, fed, op === 'GlobalAveragePool' ? [1, 2, 3] : [2, 2]);
    return type === 'bfloat16' ? cast(input, 16, `b${i}`) : input;
  });
  const attributes = new Map(needed[op]);
  const [output] = graph.addNode({ op, inputs, outputs: ['y'], attributes }).outputs;
  const result = type === 'bfloat16' && output ? cast(output, 1, 'z') : output;
  if (!result) throw new Error(`${op} has no output`);
  result.type = truths.includes(op) && type !== 'bfloat16' ? 'bool' : fed;
  graph.outputs.push(result);
  return graph;
}

async function typesThatLoad(op: string, inputs: number): Promise<DataType[]> {
  const loaded: DataType[] = [];
  for (const type of types) {
    const session = await sessionOf(graphOf(op, inputs, type)).catch(() => undefined);
    if (!session) continue;
    await session.release();
    loaded.push(type);
  }
  return loaded;
}

/** Operators with or without a gradient of which nothing is said. */
const unsaid =
  words(`Acos ArgMax ArgMin Asin Atan Attention AveragePool BitShift BitwiseAnd BitwiseNot BitwiseOr
  BitwiseXor CastLike Celu EyeLike Mean Mish Multinomial RandomNormal RandomNormalLike RandomUniform ReduceL1 ReduceLogSum
  ReduceLogSumExp ReduceMin ReduceProd RotaryEmbedding Round Selu Sign Size Softsign Swish Tan ThresholdedRelu Trilu Xor`);

/** Of operators that are not trained: those of exporters, and of the runtime's own optimizer. */
const besides =
  words(`ScatterND(add) ScatterElements(add) OneHot Loop If Scan SequenceConstruct ConvTranspose
  InstanceNormalization com.microsoft:FusedMatMul com.microsoft:BiasGelu com.microsoft:FastGelu com.microsoft:Gelu
  com.microsoft:SkipLayerNormalization com.microsoft:EmbedLayerNormalization com.microsoft:Attention
  com.microsoft:MultiHeadAttention com.microsoft:QAttention com.microsoft:DynamicQuantizeMatMul
  com.microsoft:MatMulIntegerToFloat com.microsoft:MatMulNBits com.microsoft:GatherBlockQuantized
  com.microsoft:TransposeMatMul com.microsoft:BiasDropout com.microsoft:BitmaskDropout com.microsoft:FusedAdam
  com.microsoft:AdamWOptimizer com.microsoft:PackedAttention com.microsoft:RemovePadding`);

describe('the table of kernels', () => {
  it('has every operator with a gradient rule, or known to have no gradient, but for those that are listed', () => {
    const operators = [...Object.keys(rules), ...nonDifferentiable];
    const missing = operators.filter((operator) => kernelsOf(operator, 23) === undefined);
    expect(missing.sort()).toEqual(unsaid);
  });

  it.each(besides)('has %s', (operator) => {
    expect(kernelsOf(operator, 23)).toBeDefined();
  });

  it('tells a scatter that adds from one that replaces', () => {
    for (const operator of ['ScatterND', 'ScatterElements']) {
      expect(kernelsOf(operator, 18, 'bool')?.cpu).toBe(true);
      expect(kernelsOf(`${operator}(add)`, 18, 'bool')?.cpu).toBe(false);
    }
  });

  it.each([...unary.map((op) => [op, 1] as const), ...binary.map((op) => [op, 2] as const)])(
    'claims for %s on the CPU the types of which the stock runtime makes a session',
    async (op, inputs) => {
      const claimed = types.filter((type) => kernelsOf(op, OPSET, type)?.cpu);
      expect(claimed).toEqual(await typesThatLoad(op, inputs));
    },
  );
});
