import { type ConstantMatrix, constantMatrix } from '../../graph/facts/constant-matrix.ts';
import { isMadeUp } from '../../graph/transforms/module-names.ts';
import type { Node, Value } from '../../onnx/graph.ts';
import type { Model } from '../../onnx/model.ts';
import { type Product, productOf } from './products.ts';

/** A node whose weight can be rounded. */
export interface QuantizedLayer {
  /** The weight's name where it has one, else the node's. */
  readonly name: string;
  readonly op: string;
  readonly rows: number;
  readonly columns: number;
  /** Of the weights, relative: ‖w − ŵ‖ / ‖w‖. */
  readonly error: number;
}

export interface QuantizedModel {
  readonly model: Model;
  readonly layers: readonly QuantizedLayer[];
  /** Names of the layers that are computed in fp32: they were to be kept, or their numbers do not fit. */
  readonly kept: readonly string[];
}

interface Layer {
  readonly name: string;
  readonly matrix: ConstantMatrix;
  /** undefined: rows of a table are looked up. */
  readonly product?: Product;
}

/** The layer that a node computes; undefined where it has no weight that is worth rounding. */
export function layerOf(node: Node): Layer | undefined {
  const product = productOf(node);
  if (product) {
    return { name: nameOf(node, product.weight.source), matrix: product.weight, product };
  }
  const table = readsRows(node) ? constantMatrix(node.inputs[0]) : undefined;
  if (table === undefined || rowsOf(table) < FEWEST_ROWS) return undefined;
  return { name: nameOf(node, table.source), matrix: table };
}

/** Tables of fewer rows, such as those of token types, are not worth their error. */
const FEWEST_ROWS = 16;

const rowsOf = ({ tensor, transposed }: ConstantMatrix): number =>
  tensor.dims[transposed ? 1 : 0] ?? 0;

/** Whether a node takes whole rows of its first input: Gather on axis 0, or Slice of axis 0 alone. */
function readsRows(node: Node): boolean {
  if (node.domain !== '') return false;
  if (node.op === 'Gather') return (node.int('axis') ?? 0) === 0;
  const axes = node.op === 'Slice' ? node.inputs[3]?.content : undefined;
  return axes?.length === 1 && axes[0] === 0;
}

const nameOf = (node: Node, { name }: Value): string =>
  isMadeUp(name) && node.name !== '' ? node.name : name;
