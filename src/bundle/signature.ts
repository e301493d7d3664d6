import { shownLine } from '../files/index.ts';

/** An input of a graph, as the runtime or the graph itself tells of it. */
export interface GraphInput {
  readonly name: string;
  readonly type?: string | undefined;
  /** Numbers are fixed dimensions. */
  readonly shape?: readonly unknown[] | undefined;
}

/** The inputs of a graph that is served, by name: whether it has to have them. */
const servedInputs: ReadonlyMap<string, 'required' | 'optional'> = new Map([
  ['input_ids', 'required'],
  ['attention_mask', 'required'],
  ['token_type_ids', 'optional'],
]);

const expected = 'expected input_ids and attention_mask, perhaps token_type_ids';

/** Ids of a type that graphs read: as they are, or as what `type` says. */
export function idsOfType(
  type: string | undefined,
  ids: BigInt64Array,
): { readonly type: 'int64' | 'int32'; readonly data: BigInt64Array | Int32Array } {
  return type === 'int32'
    ? { type, data: Int32Array.from(ids, Number) }
    : { type: 'int64', data: ids };
}

/** Why texts cannot be scored with a graph of these inputs, by what they are called and of what type. */
export function inputProblem(inputs: readonly GraphInput[]): string | undefined {
  const foreign = inputs.find(({ name }) => !servedInputs.has(name));
  if (foreign) return `it has an input ${shownLine(foreign.name)}: ${expected}`;
  for (const [name, need] of servedInputs) {
    if (need === 'required' && !inputs.some((input) => input.name === name)) {
      return `it has no input ${name}: ${expected}`;
    }
  }
  const wrong = inputs.find(
    ({ type, shape }) => (type !== 'int64' && type !== 'int32') || shape?.length !== 2,
  );
  if (!wrong) return undefined;
  const { name, type = 'no tensor', shape = [] } = wrong;
  return `its input ${name} is ${type} [${shownLine(shape.join(', '))}], not int64 or int32 [batch, sequence]`;
}

const axes = ['batch', 'sequence'] as const;

/** The inputs' axes that the graph fixes to a number, a text for each; none: texts of any number and length fit. */
export function fixedAxes(
  inputs: readonly GraphInput[],
  of: readonly (typeof axes)[number][] = axes,
): string[] {
  return inputs.flatMap(({ name, shape = [] }) =>
    shape.flatMap((size, axis) => {
      const called = axes[axis];
      if (typeof size !== 'number' || size < 0 || !called || !of.includes(called)) return [];
      return [`its input ${name} has ${size} fixed as its ${called} (axis ${axis})`];
    }),
  );
}
