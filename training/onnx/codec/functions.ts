import { AppError } from '../../../src/errors.ts';
import { nameShown } from '../../../src/files/index.ts';
import { limits } from '../limits.ts';
import type { GraphProto, ModelProto, NodeProto } from '../proto/onnx_pb.ts';

type Key = Pick<NodeProto, 'domain' | 'overload'>;

const keyOf = (name: string, { domain, overload }: Key): string =>
  JSON.stringify([domain === 'ai.onnx' ? '' : domain, name, overload]);

/**
 * A model's own functions are kept as they are written, and the runtime puts their nodes wherever they are called:
 * functions that call functions may be a few lines and mean a billion nodes. AppError `model_invalid` where they
 * call themselves, or mean more nodes than are read.
 */
export function requireBoundedFunctions({ functions, graph }: ModelProto): void {
  if (functions.length === 0 || graph === undefined) return;
  const bodies = new Map(functions.map((one) => [keyOf(one.name, one), one] as const));
  const sizes = new Map<string, number | 'open'>();

  const sizeOf = (nodes: readonly NodeProto[], depth: number): number => {
    if (depth > limits.depth) {
      throw new AppError('model_invalid', `its functions call more than ${limits.depth} deep`);
    }
    let size = 0;
    for (const node of nodes) {
      size += bodies.has(keyOf(node.opType, node)) ? called(node, depth + 1) : 1;
      for (const body of bodiesOf(node)) size += sizeOf(body.node, depth + 1);
      if (size > limits.nodes) {
        throw new AppError(
          'model_invalid',
          `its functions mean more than ${limits.nodes} nodes: no more are read`,
        );
      }
    }
    return size;
  };

  const called = (node: NodeProto, depth: number): number => {
    const key = keyOf(node.opType, node);
    const before = sizes.get(key);
    if (before === 'open') {
      throw new AppError('model_invalid', `its function ${nameShown(node.opType)} calls itself`);
    }
    if (before !== undefined) return before;
    sizes.set(key, 'open');
    const size = sizeOf(bodies.get(key)?.node ?? [], depth);
    sizes.set(key, size);
    return size;
  };

  sizeOf(graph.node, 1);
  for (const { node } of functions) sizeOf(node, 1);
}

const bodiesOf = (node: NodeProto): GraphProto[] =>
  node.attribute.flatMap(({ g, graphs }) => (g ? [g, ...graphs] : graphs));
