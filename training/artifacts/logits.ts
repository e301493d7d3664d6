import { AppError } from '../../src/errors.ts';
import { nameShown } from '../../src/files/index.ts';
import { constantScalar } from '../graph/facts/constants.ts';
import { passes } from '../graph/facts/passing.ts';
import type { Graph, Node, Value } from '../onnx/graph.ts';
import { Budget } from '../onnx/walk.ts';

/** Functions that make probabilities of logits, of the same shape: what they read are the logits. */
const squashing: ReadonlySet<string> = new Set(['Sigmoid', 'Softmax', 'LogSoftmax']);

/** Operators that lay elements out in another way, or pass them on as they are. */
const passesOn = passes('type', 'form', 'order', 'dropped');

const isStandard = (node: Node | undefined): node is Node => node?.domain === '';

/** So many squashing functions are taken off, and so many nodes are asked for the logits' range. */
const MOST_CUTS = 8;
const MOST_LOOKED_AT = 256;

export interface TrueLogits {
  readonly logits: Value;
  /** What was done to the graph for them, a line each. */
  readonly notes: readonly string[];
}

/**
 * The output called `logits`. Where it comes from a Sigmoid or Softmax, its readers get what that node reads: true logits.
 *
 * @throws AppError `model_invalid`, naming the node, where the values cannot be logits and cannot be undone: all of them
 *   have one sign, so that no score could lie on the other side of ½
 */
export function trueLogits(graph: Graph, logits: Value): TrueLogits {
  const notes: string[] = [];
  let cut: Value | undefined = logits;
  let own = logits;
  while (cut) {
    own = cut;
    cut = cutOnce(graph, own, notes);
    if (notes.length <= MOST_CUTS) continue;
    throw new AppError(
      'model_invalid',
      `the output "logits" comes from more than ${MOST_CUTS} functions that make probabilities: expected one at most`,
    );
  }
  const range = rangeOf(own, new Budget(MOST_LOOKED_AT));
  if (range.from < 0 && range.to > 0) return { logits: own, notes };
  throw new AppError(
    'model_invalid',
    `the output "logits" is never ${range.from >= 0 ? 'below' : 'above'} 0, because of ${range.by ?? own.producer}: expected logits, of which a sigmoid makes the scores`,
    { hint: 'export the model so that "logits" is what the last linear layer gives' },
  );
}

/** Cuts before the last Sigmoid or Softmax, and gives the value that is there; undefined where there is none. */
function cutOnce(graph: Graph, logits: Value, notes: string[]): Value | undefined {
  let node = logits.producer;
  while (node && passesOn(node)) node = node.inputs[0]?.producer;
  const [input] = node?.inputs ?? [];
  const [output] = node?.outputs ?? [];
  if (!isStandard(node) || !squashing.has(node.op) || !input || !output) return undefined;
  notes.push(
    `its output ${nameShown(logits.name)} comes from ${node}: cut before it, where the true logits are`,
  );
  const { name } = logits;
  graph.replaceUses(output, input);
  graph.removeNode(node);
  const own = output === logits ? input : logits;
  if (own !== logits && !graph.isInput(own)) graph.rename(own, name);
  return own;
}

interface Range {
  readonly from: number;
  readonly to: number;
  /** The node that bounds it. */
  readonly by?: Node | undefined;
}

const anything: Range = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };
const fromZero = { from: 0, to: Number.POSITIVE_INFINITY };
const unit = { from: 0, to: 1 };

/** Ranges of operators, whatever they read. */
const ranges: Readonly<Record<string, Pick<Range, 'from' | 'to'>>> = {
  Sigmoid: unit,
  HardSigmoid: unit,
  Softmax: unit,
  LogSoftmax: { from: Number.NEGATIVE_INFINITY, to: 0 },
  Relu: fromZero,
  Abs: fromZero,
  Exp: fromZero,
  Softplus: fromZero,
  Sqrt: fromZero,
  ReduceL1: fromZero,
  ReduceL2: fromZero,
  ReduceSumSquare: fromZero,
};

/** How ranges of inputs make that of an output; sums, products and quotients of what is not known are not known. */
const formulas: Readonly<Record<string, (a: Range, b: Range) => readonly number[]>> = {
  Neg: (a) => [-a.to, -a.from],
  Reciprocal: (a) => quotient({ from: 1, to: 1 }, a),
  Add: (a, b) => [a.from + b.from, a.to + b.to],
  Sub: (a, b) => [a.from - b.to, a.to - b.from],
  Mul: (a, b) => products(a, b),
  Div: (a, b) => quotient(a, b),
  ReduceSum: (a) => [a.from >= 0 ? 0 : -Infinity, a.to <= 0 ? 0 : Infinity],
};

const corners = (a: Range, b: Range, f: (x: number, y: number) => number): number[] =>
  [a.from, a.to].flatMap((x) => [b.from, b.to].map((y) => f(x, y)));

const products = (a: Range, b: Range): number[] =>
  corners(a, b, (x, y) => (x === 0 || y === 0 ? 0 : x * y));

const quotient = (a: Range, b: Range): number[] => {
  if (b.from < 0 && b.to > 0) return [-Infinity, Infinity];
  const [from, to] = b.from >= 0 ? [b.from, b.to] : [-b.to, -b.from];
  const sign = b.from >= 0 ? 1 : -1;
  return products(a, {
    from: sign / (to || Number.MIN_VALUE),
    to: sign / (from || Number.MIN_VALUE),
  });
};

/** Operators that give some of their inputs' elements, or values between them. */
const choosing = new Set(
  'Concat Slice Gather Split Max Min Mean ReduceMean ReduceMax ReduceMin Expand Tile'.split(' '),
);

/** Between which numbers all elements of a value lie, as far as the last few nodes tell. */
function rangeOf(value: Value | undefined, budget: Budget): Range {
  const constant = constantScalar(value);
  if (constant !== undefined) return { from: constant, to: constant };
  const node = value?.producer;
  if (!isStandard(node) || !budget.take()) return anything;
  const own = Object.hasOwn(ranges, node.op) ? ranges[node.op] : undefined;
  if (own) return { ...own, by: node };
  const of = (i: number): Range => rangeOf(node.inputs[i], budget);
  if (passesOn(node)) return of(0);
  if (node.op === 'Clip') return clipped(node, of(0));
  if (choosing.has(node.op)) {
    const count = ['Concat', 'Max', 'Min', 'Mean'].includes(node.op) ? node.inputs.length : 1;
    if (count > MOST_LOOKED_AT) return anything;
    return hull(Array.from({ length: count }, (_, i) => of(i)));
  }
  const formula = Object.hasOwn(formulas, node.op) ? formulas[node.op] : undefined;
  if (!formula) return anything;
  const [a, b] = [of(0), node.inputs.length > 1 ? of(1) : anything];
  const found = formula(a, b);
  if (found.some(Number.isNaN)) return anything;
  return { from: Math.min(...found), to: Math.max(...found), by: a.by ?? b.by ?? node };
}

const hull = (all: readonly Range[]): Range => ({
  from: Math.min(...all.map(({ from }) => from)),
  to: Math.max(...all.map(({ to }) => to)),
  by: all.find(({ by }) => by)?.by,
});

function clipped(node: Node, { from, to, by }: Range): Range {
  const limit = (i: number, name: string, otherwise: number): number =>
    constantScalar(node.inputs[i]) ?? node.float(name) ?? otherwise;
  const [low, high] = [limit(1, 'min', from), limit(2, 'max', to)];
  return {
    from: Math.max(from, low),
    to: Math.min(to, high),
    by: low > from || high < to ? node : by,
  };
}
