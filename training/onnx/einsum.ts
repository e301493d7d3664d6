import { AppError } from '../../src/errors.ts';

/** Labels of the axes of each operand and of the result; `.0` is the last axis of an ellipsis, `.1` the one before. */
export interface Einsum {
  readonly operands: readonly (readonly string[])[];
  readonly result: readonly string[];
}

const ELLIPSIS = '...';
const LETTERS = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'];

/** A term such as `b...ij`, cut into letters and the ellipsis. */
function symbolsOf(term: string): string[] | undefined {
  const symbols = term.match(/\.{3}|[A-Za-z]/g) ?? [];
  const valid = symbols.join('') === term && symbols.filter((s) => s === ELLIPSIS).length <= 1;
  return valid ? symbols : undefined;
}

const ellipsisAxes = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `.${count - 1 - i}`);

const spell = (symbols: readonly string[], ellipsis: readonly string[]): string[] =>
  symbols.flatMap((symbol) => (symbol === ELLIPSIS ? ellipsis : [symbol]));

/** Without `->` the result has the ellipsis, then every letter that occurs once, in alphabetical order. */
function impliedResult(operands: readonly (readonly string[])[]): string[] {
  const all = operands.flat();
  const once = all.filter((s) => s !== ELLIPSIS && all.indexOf(s) === all.lastIndexOf(s));
  return [ELLIPSIS, ...once.sort()];
}

/**
 * Reads the equation of an Einsum for operands of these ranks. AppError `model_invalid` where it is none, or does not
 * fit them.
 */
export function parseEinsum(equation: string, ranks: readonly number[]): Einsum {
  const invalid = (why: string): AppError =>
    new AppError('model_invalid', `the Einsum equation "${equation}" ${why}`);
  const [left = '', right, ...more] = equation.replace(/\s+/g, '').split('->');
  const operands = left.split(',').map(symbolsOf);
  const explicit = right === undefined ? undefined : symbolsOf(right);
  const terms = operands.filter((term) => term !== undefined);
  if (terms.length < operands.length || more.length > 0 || (right !== undefined && !explicit))
    throw invalid('cannot be read: expected terms of letters such as "bhid,bhjd->bhij"');
  if (terms.length !== ranks.length)
    throw invalid(`has ${terms.length} terms for ${ranks.length} operands`);
  const axes = terms.map((term, i) => {
    const rest = (ranks[i] ?? 0) - term.filter((symbol) => symbol !== ELLIPSIS).length;
    if (rest < 0 || (rest > 0 && !term.includes(ELLIPSIS)))
      throw invalid(`does not fit an operand ${i} of rank ${ranks[i]}`);
    return rest;
  });
  const result = explicit ?? impliedResult(terms);
  return {
    operands: terms.map((term, i) => spell(term, ellipsisAxes(axes[i] ?? 0))),
    result: spell(result, ellipsisAxes(Math.max(...axes))),
  };
}

/** The equation of these terms, in letters alone: axes of an ellipsis get letters that nothing else has. */
export function formatEinsum({ operands, result }: Einsum): string {
  const used = new Set([...operands.flat(), ...result]);
  const free = LETTERS.filter((letter) => !used.has(letter));
  const letters = new Map<string, string>();
  for (const label of used) {
    const letter = label.startsWith('.') ? free.shift() : label;
    if (letter === undefined)
      throw new AppError('operator_unsupported', 'an Einsum has more axes than there are letters');
    letters.set(label, letter);
  }
  const term = (labels: readonly string[]): string =>
    labels.map((label) => letters.get(label)).join('');
  return `${operands.map(term).join(',')}->${term(result)}`;
}
