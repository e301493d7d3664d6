import type { Value } from '../onnx/graph.ts';
import { LEAST_FLOAT32 } from '../onnx/tensor.ts';
import type { ModuleBuilder } from './module-builder.ts';

/**
 * 0 where there is text, the most negative number where there is padding: [batch, 1, 1, sequence].
 */
export function additiveMask(m: ModuleBuilder, path: string, attentionMask: Value): Value {
  const { b } = m;
  const isText = b.cast(attentionMask, 'bool');
  const mask = m.op(path, 'Where', [
    isText,
    b.scalar(0, 'float32'),
    b.scalar(LEAST_FLOAT32, 'float32'),
  ]);
  return m.op(path, 'Unsqueeze', [mask, b.ints([1, 2])]);
}

/** The first rows of a table of positions, as many as the texts are long: [sequence, width]. */
export function positionRows(m: ModuleBuilder, path: string, table: Value, ids: Value): Value {
  const { b } = m;
  const length = b.dims(ids.shape?.slice(1) ?? []) ?? b.ints([-1]);
  return m.op(path, 'Slice', [table, b.ints([0]), length, b.ints([0])]);
}

export interface AttentionOptions {
  readonly width: number;
  readonly heads: number;
  /** The modules of the projections. */
  readonly names: { readonly query: string; readonly key: string; readonly value: string };
}

/**
 * softmax(Q·Kᵀ/√d + mask)·V with heads of width d, their results side by side: [batch, sequence,
 * width]. The output projection is the caller's.
 */
export function selfAttention(
  m: ModuleBuilder,
  path: string,
  x: Value,
  mask: Value,
  { width, heads, names }: AttentionOptions,
): Value {
  const headWidth = width / heads;
  const split = m.b.ints([0, 0, heads, headWidth]);
  const project = (name: string, perm: readonly number[], scale = 1): Value => {
    const flat = m.linear(`${path}/${name}`, x, [width, width]);
    const scaled = scale === 1 ? flat : m.op(path, 'Mul', [flat, scale]);
    return m.op(path, 'Transpose', [m.op(path, 'Reshape', [scaled, split])], { perm });
  };
  const query = project(names.query, [0, 2, 1, 3], 1 / Math.sqrt(headWidth));
  const key = project(names.key, [0, 2, 3, 1]);
  const value = project(names.value, [0, 2, 1, 3]);
  const scores = m.op(path, 'Add', [m.op(path, 'MatMul', [query, key]), mask]);
  const probabilities = m.op(path, 'Softmax', [scores], { axis: -1 });
  const context = m.op(path, 'MatMul', [probabilities, value]);
  const rows = m.op(path, 'Transpose', [context], { perm: [0, 2, 1, 3] });
  return m.op(path, 'Reshape', [rows, m.b.ints([0, 0, width])]);
}

/** The state of each text's first token: [batch, width]. */
export const firstToken = (m: ModuleBuilder, path: string, hidden: Value): Value =>
  m.op(path, 'Gather', [hidden, m.b.scalar(0, 'int64')], { axis: 1 });
