import { AppError } from '../../../src/errors.ts';
import { nameShown } from '../../../src/files/index.ts';
import { quantizedNode } from '../../graph/facts/quantized.ts';
import type { Graph } from '../../onnx/graph.ts';

/** AppError `model_invalid` for a graph that is quantized already: its weights are lost, rounding them again loses more. */
export function refuseQuantized(graph: Graph): void {
  const found = quantizedNode(graph);
  const half = graph.initializers.find(({ type, initializer }) => {
    return type === 'float16' && initializer?.dims.length === 2;
  });
  if (found === undefined && half === undefined) return;
  const holds = found ?? `the float16 matrix ${nameShown(half?.name ?? '')}`;
  throw new AppError('model_invalid', `the graph is quantized already: it holds ${holds}`, {
    hint: 'quantize the fp32 model that it was made from',
  });
}

export const nothingToRound = ({ name }: Graph): AppError =>
  new AppError(
    'model_invalid',
    `the graph ${nameShown(name)} has nothing to quantize: no MatMul, Gemm or Gather with a constant float32 matrix`,
    { hint: 'expected an fp32 model; mbti-model inspect says what a graph holds' },
  );
