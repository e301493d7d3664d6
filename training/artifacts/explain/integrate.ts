import { prune } from '../../graph/transforms/prune.ts';
import { GraphBuilder } from '../../onnx/builder.ts';
import { Graph, type Value } from '../../onnx/graph.ts';
import { floatTensor, intTensor, scalarTensor, tensorOf } from '../../onnx/tensor.ts';
import { nestedRules } from './quadrature.ts';

/** What is known at one point of the path: logits [batch, axes], products [batch, axes, sequence]. */
export interface PointValues {
  readonly logits: Value;
  /** Gradient × input. */
  readonly vectors: Value;
  /** Gradient × way: the integrand. */
  readonly paths: Value;
}

/** How near the integral must be to the difference of the logits: 0.5 % of it and 1e-4, in logits. */
const wanted = { relative: 0.005, absolute: 1e-4 } as const;

const carried = ['integral', 'vectors', 'logits', 'baseline_logits'] as const;
type Carried = Record<(typeof carried)[number], Value>;

/**
 * Integrates over the path, in a Loop over its points: rules of ever more points, until the integral of every row
 * and axis is what it must add up to, or `most` points are used up.
 *
 * @param tokens int64 [batch, sequence]
 * @param at adds to the body what computes the values at α
 */
export function integrate(
  b: GraphBuilder,
  { tokens, axes, most }: { tokens: Value; axes: number; most: number },
  at: (body: Graph, alpha: Value) => PointValues,
): Carried {
  const rules = nestedRules(most);
  const body = new Graph('explain_step', { outer: b.graph });
  const iteration = body.addInput('step/iteration', 'int64', []);
  const condition = body.addInput('step/condition', 'bool', []);
  const start = initialState(b, tokens, axes, rules.counts.length);
  const state = start.map(({ name, value }) =>
    body.addInput(`step/${name}`, value.type, value.shape),
  );
  const tables = tablesOf(b, rules);
  const inner = new GraphBuilder(body, 'step/integrate');
  const now = (table: Value) => inner.op('Gather', [table, iteration], { axis: 0 });
  const values = at(body, now(tables.alphas));
  const next = nextState(inner, values, state, { iteration, now, tables });
  const goesOn = inner.op('Not', [inner.op('And', [now(tables.isEnd), addsUp(inner, next)])]);
  body.outputs.push(
    inner.op('And', [goesOn, condition]),
    ...[next.sums, ...carried.map((name) => next[name])].map(inner.identity),
  );
  prune(body);
  const names = start.map(({ name }) => `explain/${name}`);
  const results = b.node(
    'Loop',
    [
      b.scalar(rules.nodes.length, 'int64'),
      b.constant(scalarTensor('bool', 1), 'always'),
      ...start.map(({ value }) => value),
    ],
    { body: { kind: 'graph', value: body } },
    { outputs: names },
  );
  results.forEach((result, i) => {
    result.shape = start[i]?.value.shape;
  });
  return Object.fromEntries(carried.map((name, i) => [name, results[i + 1]])) as Carried;
}

/** Zeros: each rule's sum so far [rules, batch, axes, sequence], and what is carried. */
function initialState(b: GraphBuilder, tokens: Value, axes: number, rules: number) {
  const zeros = b.mul(b.cast(tokens, 'float32'), 0);
  const products = b.op('Expand', [b.unsqueeze(zeros, [1]), b.ints([1, axes, 1])]);
  const logits = b.reduceSum(products, [2], false);
  const sums = b.op('Expand', [b.unsqueeze(products, [0]), b.ints([rules, 1, 1, 1])]);
  return [
    { name: 'sums', value: sums },
    ...carried.map((name) => ({ name, value: name.endsWith('logits') ? logits : products })),
  ];
}

/** What the iterations look up by their number. */
function tablesOf(b: GraphBuilder, { nodes, weights, counts }: ReturnType<typeof nestedRules>) {
  const steps = nodes.length;
  const rules = counts.length;
  const ends = nodes.map((_, i) => counts.indexOf(i + 1));
  const byPoint = Float32Array.from(
    nodes.flatMap((_, i) => weights.map((ofRule) => ofRule[i] ?? 0)),
  );
  return {
    alphas: b.constant(floatTensor([steps], Float32Array.from(nodes)), 'alphas'),
    weights: b.constant(floatTensor([steps, rules, 1, 1, 1], byPoint), 'weights'),
    isEnd: b.constant(
      tensorOf(
        'bool',
        [steps],
        Uint8Array.from(ends, (rule) => (rule < 0 ? 0 : 1)),
      ),
      'is_end',
    ),
    rule: b.constant(
      intTensor(
        [steps],
        ends.map((rule) => Math.max(rule, 0)),
      ),
      'rule',
    ),
  };
}

/** The first point is the text itself, the second the baseline. */
function nextState(
  b: GraphBuilder,
  { logits, vectors, paths }: PointValues,
  [sums, integral, ownVectors, ownLogits, baseline]: readonly Value[],
  {
    iteration,
    now,
    tables,
  }: {
    iteration: Value;
    now: (table: Value) => Value;
    tables: ReturnType<typeof tablesOf>;
  },
) {
  const isPoint = (index: number) => b.op('Equal', [iteration, b.scalar(index, 'int64')]);
  const keep = (when: Value, fresh: Value, old: Value | undefined) =>
    b.op('Where', [when, fresh, old]);
  const added = b.op('Add', [sums, b.mul(now(tables.weights), b.unsqueeze(paths, [0]))]);
  const complete = b.op('Gather', [added, now(tables.rule)], { axis: 0 });
  return {
    sums: added,
    integral: keep(now(tables.isEnd), complete, integral),
    vectors: keep(isPoint(0), vectors, ownVectors),
    logits: keep(isPoint(0), logits, ownLogits),
    baseline_logits: keep(isPoint(1), logits, baseline),
  };
}

/** Whether, for all rows and axes, the integral is the difference of the logits. */
function addsUp(b: GraphBuilder, { integral, logits, baseline_logits: baseline }: Carried): Value {
  const difference = b.sub(logits, baseline);
  const size = (x: Value) => b.op('Abs', [x]);
  const error = size(b.sub(b.reduceSum(integral, [2], false), difference));
  const allowed = b.add(b.mul(size(difference), wanted.relative), wanted.absolute);
  const isOver = b.cast(b.op('Greater', [error, allowed]), 'float32');
  return b.op('Equal', [b.op('ReduceMax', [isOver], { keepdims: 0 }), b.scalar(0, 'float32')]);
}
