import type { Node } from './graph.ts';

/** Attributes of Attention (opset 23, windows since 25) that change its scores beside the scale, at their neutral values. */
const neutral = { is_causal: 0, softcap: 0, left_window_size: -1, right_window_size: -1 } as const;

/** The first attribute of an Attention that makes its scores other than Q·Kᵀ·scale + mask, as `name=value`. */
export function changedScores(node: Node): string | undefined {
  for (const [name, value] of Object.entries(neutral)) {
    const found = node.int(name) ?? node.float(name) ?? value;
    if (found !== value) return `${name}=${found}`;
  }
  return undefined;
}
