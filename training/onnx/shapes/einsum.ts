import { nameShown } from '../../../src/files/index.ts';
import type { Dim } from '../dim.ts';
import { broadcastDim } from './broadcast.ts';
import { filledShape, invalid, type Rule, type RuleTable, shapeAt, typeAt } from './rule.ts';

/** The letters of each operand and of the result, one an axis. */
export interface Equation {
  readonly terms: readonly (readonly string[])[];
  readonly result: readonly string[];
}

/** Far beyond all letters at all operands. */
const LONGEST = 4096;

const isLetter = (letter: string): boolean => /^[A-Za-z]$/.test(letter);

/**
 * An Einsum's equation with letters of its own for the axes that an ellipsis stands for, and with the result that an
 * equation without an arrow means: the ellipsis, then every letter that stands once, in the order of the alphabet. Undefined where
 * it does not fit operands of these ranks.
 */
export function expandedEquation(equation: string, ranks: readonly number[]): Equation | undefined {
  const [left = '', right] = equation.replace(/\s/g, '').split('->');
  const words = left.split(',');
  if (words.length !== ranks.length) return undefined;
  const letters = words.join('').replace(/\./g, '');
  const free = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'].filter(
    (letter) => !equation.includes(letter),
  );
  const covered = words.map((word, i) =>
    word.includes('...') ? (ranks[i] ?? 0) - (word.length - 3) : 0,
  );
  const most = covered.reduce((a, b) => Math.max(a, b), 0);
  const expand = (word: string, count: number): string[] => {
    const axes = free.slice(most - count, most).join('');
    return [...word.replace('...', axes)];
  };
  const terms = words.map((word, i) => expand(word, covered[i] ?? 0));
  const once = [...letters].filter(
    (letter, _, all) => all.indexOf(letter) === all.lastIndexOf(letter),
  );
  const result = expand(right ?? `${most > 0 ? '...' : ''}${once.sort().join('')}`, most);
  const fits = terms.every((term, i) => term.length === ranks[i] && term.every(isLetter));
  return fits && covered.every((count) => count >= 0) && result.every(isLetter)
    ? { terms, result }
    : undefined;
}

/** Axes of one letter are equally long, or 1. */
const einsum: Rule = (node) => {
  const type = typeAt(node, 0);
  const shapes = node.inputs.map((_, i) => shapeAt(node, i));
  if (!shapes.every((shape) => shape !== undefined)) return [{ type }];
  const equation = node.string('equation') ?? '';
  if (equation.length > LONGEST) {
    throw invalid(
      node,
      `its equation has ${equation.length} characters: at most ${LONGEST} are read`,
    );
  }
  const expanded = expandedEquation(
    equation,
    shapes.map((shape) => shape.length),
  );
  if (expanded === undefined)
    throw invalid(node, `its equation ${nameShown(equation)} does not fit its inputs`);
  const dims = new Map<string, Dim | undefined>();
  expanded.terms.forEach((term, i) => {
    term.forEach((letter, axis) => {
      const dim = shapes[i]?.[axis];
      const known = dims.has(letter) ? dims.get(letter) : 1;
      const both = known === undefined || dim === undefined ? undefined : broadcastDim(known, dim);
      if (both === 'never') throw invalid(node, `"${letter}" is both ${known} and ${dim} long`);
      dims.set(letter, both);
    });
  });
  return [
    {
      type,
      shape: filledShape(
        node,
        expanded.result.map((letter) => dims.get(letter)),
      ),
    },
  ];
};

export const einsumShapes: RuleTable = { Einsum: einsum };
