import type { Batch } from '../data/index.ts';
import { passes } from '../graph/facts/passing.ts';
import type { Graph, Node, Value } from '../onnx/graph.ts';
import { behind } from '../onnx/walk.ts';
import { batchFeeds } from './feeds.ts';
import type { Tensors } from './state.ts';

/** A gradient of rows that are added to zeros where a batch says: an embedding's. */
export interface RowGradient {
  /** P.grad */
  readonly name: string;
  readonly scatter: Node;
  /** The graph's input that numbers the rows. */
  readonly rows: string;
}

/** What changes how indices are laid out, not which they are. */
const laysOut = passes('type', 'form', 'copies');

const sourceOf = (value: Value | undefined): Value | undefined => value && behind(value, laysOut);

const isZeros = (value: Value | undefined): boolean =>
  value?.producer?.op === 'Expand' &&
  value.producer.inputs[0]?.initializer?.bytes.every((byte) => byte === 0) === true;

/** The graph's results that are rows among zeros, named by an input that it gets from each batch. */
export function rowGradients(graph: Graph): RowGradient[] {
  return graph.outputs.flatMap((output) => {
    const scatter = output.producer;
    if (scatter?.op !== 'ScatterElements' || !isZeros(scatter.inputs[0])) return [];
    const rows = sourceOf(scatter.inputs[1]);
    const byRow = scatter.int('axis') === 0 && output.shape?.length === 2;
    return byRow && rows && graph.isInput(rows)
      ? [{ name: output.name, scatter, rows: rows.name }]
      : [];
  });
}

const zerosOf = ({ name }: RowGradient): string => `${name}.zeros`;

/**
 * Has the zeros fed instead of made: by the very array that the gradient is written to. The runtime's kernel copies
 * the one to the other unless they are the same memory, and a vocabulary's zeros are 94 MB. Gives the way back.
 */
export function feedZeros(graph: Graph): () => void {
  const undo = rowGradients(graph).map((row) => {
    const { scatter } = row;
    const made = scatter.inputs[0];
    const fed = graph.addInput(zerosOf(row), made?.type, made?.shape);
    scatter.setInput(0, fed);
    return () => {
      scatter.setInput(0, made);
      graph.removeValue(fed);
    };
  });
  return () => {
    for (const back of undo) back();
  };
}

/** What a graph of `feedZeros` is fed. The gradients must be zeros, as `clearRows` leaves them. */
export const zerosFeeds = (rows: readonly RowGradient[], gradients: Tensors): Tensors =>
  Object.fromEntries(
    rows.flatMap((row) => {
      const gradient = gradients[row.name];
      return gradient ? [[zerosOf(row), gradient]] : [];
    }),
  );

/** Sets the rows that a batch has written to zero again. */
export function clearRows(rows: readonly RowGradient[], gradients: Tensors, batch: Batch): void {
  const feeds = batchFeeds(
    batch,
    rows.map((row) => ({ name: row.rows, type: 'int64' })),
  );
  for (const { name, rows: indices } of rows) {
    const { data, dims } = gradients[name] ?? {};
    const width = dims?.[1] ?? 0;
    for (const index of new Set((feeds[indices]?.data ?? []) as BigInt64Array)) {
      (data as Float32Array).fill(0, Number(index) * width, (Number(index) + 1) * width);
    }
  }
}
