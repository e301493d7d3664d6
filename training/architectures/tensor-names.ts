import type { Tensor } from '../onnx/tensor.ts';

/**
 * What wrappers of a model put before or into the names of its tensors: DataParallel, `torch.compile`, FSDP, activation
 * checkpoints, Lightning and the like.
 */
const inside = /(?:^|\.)(module|_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)(?=\.)/g;
const before = /^(model|base_model|network|net|backbone|encoder)\./;

/** Tensors by the names of the model itself. */
export interface OwnNames {
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** What was taken off names, and of how many: a line each. */
  readonly notes: readonly string[];
}

/**
 * Takes well-known wrappers' parts off the names of tensors that the model does not know as they are. A name that another
 * tensor has already stays as it is.
 *
 * @param isKnown whether the model itself may call a tensor so
 */
export function withoutWrappers(
  given: ReadonlyMap<string, Tensor>,
  isKnown: (name: string) => boolean,
): OwnNames {
  const counts = new Map<string, number>();
  const tensors = new Map<string, Tensor>();
  for (const [name, tensor] of given) {
    const { own, taken } = unwrapped(name, isKnown);
    const isFree = !given.has(own) && !tensors.has(own);
    tensors.set(isFree ? own : name, tensor);
    if (isFree && taken !== '') counts.set(taken, (counts.get(taken) ?? 0) + 1);
  }
  const notes = Array.from(
    counts,
    ([taken, count]) => `"${taken}" was taken off the names of ${count} tensors`,
  );
  return { tensors, notes };
}

function unwrapped(name: string, isKnown: (name: string) => boolean) {
  const parts = Array.from(name.matchAll(inside), ([, part]) => `${part}.`);
  const outer = name.replace(inside, '').replace(/^\./, '');
  const prefixes: string[] = [];
  let own = outer;
  while (!isKnown(own)) {
    const [prefix] = before.exec(own) ?? [];
    // What the model does not know in any case keeps its name, for messages.
    if (prefix === undefined) return { own: outer, taken: parts.join('') };
    prefixes.push(prefix);
    own = own.slice(prefix.length);
  }
  return { own, taken: [...parts, ...prefixes].join('') };
}

/** Names that a line shows. */
const SHOWN = 4;

/** Tensors that no parameter was read from, by what their names begin with: `cls.predictions.* (7)`. */
export function unusedNote(names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const groups = new Map<string, string[]>();
  for (const name of names) {
    const parts = name.split('.');
    const group = parts.slice(0, Math.max(1, Math.min(2, parts.length - 1))).join('.');
    groups.set(group, [...(groups.get(group) ?? []), name]);
  }
  const shown = Array.from(groups, ([group, [first, ...more]]) =>
    more.length === 0 ? `${first}` : `${group}.* (${more.length + 1})`,
  );
  const rest = shown.length > SHOWN ? ', …' : '';
  const count = names.length === 1 ? 'one tensor is' : `${names.length} tensors are`;
  return [`${count} not part of it: ${shown.slice(0, SHOWN).join(', ')}${rest}`];
}
