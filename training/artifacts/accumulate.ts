import { nameShown } from '../../src/files/index.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import { Graph, type Value } from '../onnx/graph.ts';
import { scalarTensor } from '../onnx/tensor.ts';
import type { ResultsOf } from './loop.ts';

export interface PieceInputs {
  /** For each input of the training graph but the parameters, its n pieces [n, …]. */
  readonly pieces: ReadonlyMap<string, Value>;
  /** Parameters, by name. */
  readonly state: ReadonlyMap<string, Value>;
}

/**
 * The mean over n pieces of a batch of the loss and of every gradient, by a Loop that carries their sums. All pieces
 * have one size, so that each weighs the same.
 *
 * @param b of the graph that the Loop becomes part of
 * @param resultsOf copies the training graph into another
 */
export function averagedResults(
  b: GraphBuilder,
  training: Graph,
  { pieces, state }: PieceInputs,
  prefix: string,
  resultsOf: ResultsOf,
): Map<string, Value> {
  const [first] = pieces.values();
  const trips = b.op('Shape', [first], { start: 0, end: 1 });
  const sums = training.outputs.filter(({ name }) => name === 'loss' || name.endsWith('.grad'));
  const zeros = sums.map(({ name }) =>
    name === 'loss'
      ? b.constant(scalarTensor('float32', 0), 'no_loss')
      : b.zerosLike(required(state, name.slice(0, -'.grad'.length))),
  );

  const body = new Graph('piece', { outer: b.graph });
  const own = (name: string, like: Pick<Value, 'type' | 'shape'>): Value =>
    body.addInput(body.freshName(prefix + name), like.type, like.shape);
  const iteration = own('piece', { type: 'int64', shape: [] });
  const condition = own('go_on', { type: 'bool', shape: [] });
  const carried = sums.map((sum) => own(`${sum.name}.sum`, sum));
  const inside = new GraphBuilder(body, `${prefix}piece`);
  const fed = new Map(
    Array.from(pieces, ([name, value]) => [
      name,
      inside.op('Gather', [value, iteration], { axis: 0 }),
    ]),
  );
  const results = resultsOf(body, training, (name) => fed.get(name) ?? state.get(name), prefix);
  const added = sums.map(({ name }, i) => inside.add(carried[i] as Value, required(results, name)));
  body.outputs.push(inside.identity(condition), ...added);

  const always = b.constant(scalarTensor('bool', 1), 'always');
  const totals = b.node(
    'Loop',
    [trips, always, ...zeros],
    { body: { kind: 'graph', value: body } },
    { outputs: sums.map(({ name }) => `${prefix}${name}.total`) },
  );
  const count = b.reshape(b.cast(trips, 'float32'), []);
  return new Map(
    sums.map(({ name, shape }, i) => {
      const mean = b.div(totals[i] as Value, count);
      mean.shape = shape;
      return [name, mean];
    }),
  );
}

function required(values: ReadonlyMap<string, Value>, name: string): Value {
  const value = values.get(name);
  if (value === undefined) throw new Error(`there is no ${nameShown(name)} to accumulate`);
  return value;
}
