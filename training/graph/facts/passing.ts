import type { Node } from '../../onnx/graph.ts';

/** What an operator that passes its first input on may change of it. */
export type Change =
  /** The type of the elements. */
  | 'type'
  /** The axes that they are laid out in; their order in memory stays. */
  | 'form'
  /** The order of the axes. */
  | 'order'
  /** How often elements stand there. */
  | 'copies'
  /** Which elements are zero, in training. */
  | 'dropped';

/** Every operator that passes its first input on, by what it changes. */
const operators: ReadonlyMap<string, Change | undefined> = new Map<string, Change | undefined>([
  ['Identity', undefined],
  ['Cast', 'type'],
  ['CastLike', 'type'],
  ['Reshape', 'form'],
  ['Squeeze', 'form'],
  ['Unsqueeze', 'form'],
  ['Flatten', 'form'],
  ['Transpose', 'order'],
  ['Expand', 'copies'],
  ['Dropout', 'dropped'],
]);

/** A test of nodes: whether one passes its first input on and changes at most this of it. */
export const passes =
  (...changes: readonly Change[]) =>
  ({ op, domain }: Node): boolean => {
    if (domain !== '' || !operators.has(op)) return false;
    const change = operators.get(op);
    return change === undefined || changes.includes(change);
  };
