import { AppError } from '../../src/errors.ts';
import { nameShown } from '../../src/files/index.ts';
import { inlineGraph } from '../graph/transforms/inline.ts';
import { withAxesAsInput } from '../graph/transforms/reductions.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import { type Dim, type SymbolicDim, symbolicDim } from '../onnx/dim.ts';
import { Graph, type Value } from '../onnx/graph.ts';
import { type Model, newModel } from '../onnx/model.ts';
import { type DataType, scalarTensor } from '../onnx/tensor.ts';
import { lossScaleNames } from '../optim/index.ts';
import { averagedResults } from './accumulate.ts';
import { unlessOverflow } from './overflow.ts';

/** The graphs of one step, and the parameters that it changes. */
export interface StepGraphs {
  readonly training: Model;
  readonly optimizer: Model;
  readonly parameters: readonly { readonly name: string }[];
  /** Batches come in pieces, whose gradients are averaged. */
  readonly accumulates: boolean;
}

/** The training graph's outputs by name, computed in another graph from what `find` gives for its inputs. */
export type ResultsOf = (
  into: Graph,
  training: Graph,
  find: (name: string) => Value | undefined,
  prefix: string,
) => Map<string, Value>;

/** What belongs to a parameter P in the state: P, P.exp_avg, P.exp_avg_sq. */
const KINDS = ['', '.exp_avg', '.exp_avg_sq'] as const;

/**
 * K steps in one run: an ONNX Loop around the training graph and the optimizer's. The state is carried from
 * iteration to iteration, so that it never leaves the device in between.
 *
 * Inputs: the training graph's inputs other than parameters, each with a leading dimension K (`input_ids`
 * [K, batch, sequence], `labels` [K, batch, labels], …); `learning_rates` [K]; `step`, int64, the number of the
 * first update; P, P.exp_avg, P.exp_avg_sq. Outputs: `losses` [K], `grad_norms` [K], and the state as
 * P.out, P.exp_avg.out, P.exp_avg_sq.out.
 *
 * Where gradients are accumulated, batches come in n pieces of one size, [K, n, batch, …], and a Loop inside the
 * first averages their losses and gradients.
 *
 * Where the loss is scaled, the state has `loss_scale`, `good_steps` (float32) and `step` too, the latter counting
 * updates. A step whose gradients are not finite changes nothing but the scale.
 *
 * Dropout advances as in separate runs: the kernel is the same one in all iterations and runs, and its
 * generator goes on where the last mask ended.
 */
export function loopModel(step: StepGraphs): Model {
  const { training: forward, optimizer: update, parameters, accumulates } = step;
  const graph = new Graph('train_loop');
  setOpsets(graph, [forward.graph, update.graph]);
  const training = withAxesAsInput(forward.graph, graph.opset);
  const optimizer = withAxesAsInput(update.graph, graph.opset);
  const isScaled = training.inputs.some(({ name }) => name === 'loss_scale');
  const tensors = parameters.flatMap(({ name }) => KINDS.map((kind) => name + kind));
  const state = isScaled ? [...tensors, ...lossScaleNames] : tensors;
  const isState = new Set(state);
  const steps = freshDim(training, 'steps');
  const leading = accumulates ? [steps, freshDim(training, 'pieces')] : [steps];
  const stacked = training.inputs
    .filter((input) => !input.initializer && !isState.has(input.name))
    .map((input) => stackedInput(graph, input, leading));
  const learningRates = graph.addInput('learning_rates', 'float32', [steps]);
  const firstStep = graph.addInput('step', 'int64', []);
  const carried = state.map((name) => {
    if (name === 'step') return firstStep;
    if (name === 'loss_scale' || name === 'good_steps') return graph.addInput(name, 'float32', []);
    const { type, shape } = inputNamed(optimizer, name);
    return graph.addInput(name, type, shape);
  });

  const b = new GraphBuilder(graph, 'loop');
  const always = b.constant(scalarTensor('bool', 1), 'condition');
  // One element, which a trip count may be. No Gather: every node that reads a shape runs on the CPU.
  const trips = b.op('Shape', [learningRates], { start: 0, end: 1 });
  const values = { stacked, learningRates, step: firstStep, carried };
  const body = loopBody(graph, { training, optimizer, accumulates }, values);
  const outputs = [...state.map((name) => `${name}.out`), 'losses', 'grad_norms'];
  b.node(
    'Loop',
    [trips, always, ...carried],
    { body: { kind: 'graph', value: body } },
    { outputs },
  );
  for (const name of outputs) graph.outputs.push(valueNamed(graph, name));
  for (const name of ['losses', 'grad_norms']) valueNamed(graph, name).shape = [steps];
  const model = newModel(graph);
  model.irVersion = Math.max(forward.irVersion, update.irVersion);
  return model;
}

interface BodyGraphs {
  readonly training: Graph;
  readonly optimizer: Graph;
  readonly accumulates: boolean;
}

interface OuterValues {
  /** K values of each input of the training graph but the parameters. */
  readonly stacked: readonly Value[];
  readonly learningRates: Value;
  readonly step: Value;
  /** The state before the first step. */
  readonly carried: readonly Value[];
}

/** (iteration, condition, state…) → (condition, state…, loss, norm of the gradients). */
function loopBody(outer: Graph, graphs: BodyGraphs, values: OuterValues): Graph {
  const { training, optimizer, accumulates } = graphs;
  const body = new Graph('train_step', { outer });
  const prefix = freshPrefix(outer, 'body/');
  const own = (name: string, type: DataType | undefined, shape: Value['shape']): Value =>
    body.addInput(prefix + name, type, shape);
  const iteration = own('iteration', 'int64', []);
  const condition = own('condition', 'bool', []);
  const state = new Map(
    values.carried.map((value) => [value.name, own(value.name, value.type, value.shape)]),
  );
  const b = new GraphBuilder(body, `${prefix}step`);
  const slice = (value: Value): Value => b.op('Gather', [value, iteration], { axis: 0 });

  const fed = new Map(values.stacked.map((value) => [value.name, slice(value)]));
  const prefixed = `${prefix}training/`;
  const results = accumulates
    ? averagedResults(b, training, { pieces: fed, state }, prefixed, resultsOf)
    : resultsOf(body, training, (name) => fed.get(name) ?? state.get(name), prefixed);
  const scalars = new Map([
    ['learning_rate', slice(values.learningRates)],
    ['step', state.get('step') ?? b.add(values.step, iteration)],
  ]);
  const updated = inlineGraph(
    optimizer,
    body,
    bindings(optimizer, (name) => {
      return results.get(name) ?? scalars.get(name) ?? state.get(name);
    }),
    `${prefix}optimizer/`,
  );
  const found = outputsOf(optimizer, updated);
  const updates = state.has('loss_scale') ? unlessOverflow(b, state, found) : found;
  body.outputs.push(
    b.identity(condition),
    ...values.carried.map(({ name }) => required(updates, `${name}.out`)),
    required(results, 'loss'),
    required(updates, 'grad_norm'),
  );
  return body;
}

const resultsOf: ResultsOf = (into, training, find, prefix) =>
  outputsOf(training, inlineGraph(training, into, bindings(training, find), prefix));

function outputsOf(graph: Graph, copies: ReadonlyMap<Value, Value>): Map<string, Value> {
  return new Map(
    graph.outputs.flatMap((output): [string, Value][] => {
      const copy = copies.get(output);
      return copy ? [[output.name, copy]] : [];
    }),
  );
}

function required(values: ReadonlyMap<string, Value>, name: string): Value {
  const value = values.get(name);
  if (value === undefined)
    throw new AppError('internal', `the graph has no output ${nameShown(name)}`);
  return value;
}

/** What each input of a graph stands for. */
function bindings(
  graph: Graph,
  find: (name: string) => Value | undefined,
): ReadonlyMap<Value, Value> {
  return new Map(
    graph.inputs
      .filter((input) => !input.initializer)
      .map((input) => {
        const value = find(input.name);
        if (value === undefined)
          throw new AppError(
            'internal',
            `the loop has nothing for the input ${nameShown(input.name)}`,
          );
        return [input, value];
      }),
  );
}

function stackedInput(
  graph: Graph,
  { name, type, shape }: Value,
  leading: readonly SymbolicDim[],
): Value {
  return graph.addInput(name, type, shape && [...leading, ...shape]);
}

/** The operator sets of both graphs, the newer where they differ. */
function setOpsets(graph: Graph, sources: readonly Graph[]): void {
  for (const { opsets } of sources) {
    for (const [domain, version] of opsets) {
      graph.opsets.set(domain, Math.max(version, graph.opsets.get(domain) ?? 0));
    }
  }
}

/** A symbol that no input of the graph has as a dimension. */
function freshDim(graph: Graph, name: string): SymbolicDim {
  const taken = new Set(graph.inputs.flatMap(({ shape }) => (shape ?? []).map((d: Dim) => `${d}`)));
  let fresh = name;
  for (let i = 1; taken.has(fresh); i++) fresh = `${name}_${i}`;
  return symbolicDim(fresh);
}

/** A prefix that no name of the graph has, nor the names of outputs that are made from them. */
function freshPrefix(graph: Graph, prefix: string): string {
  const isTaken = [...graph.values.keys()].some((name) => name.startsWith(prefix));
  return isTaken ? freshPrefix(graph, `_${prefix}`) : prefix;
}

const inputNamed = (graph: Graph, name: string): Value => {
  const value = graph.inputs.find((input) => input.name === name);
  if (value === undefined)
    throw new AppError('internal', `the graph has no input ${nameShown(name)}`);
  return value;
};

const valueNamed = (graph: Graph, name: string): Value => {
  const value = graph.find(name);
  if (value === undefined)
    throw new AppError('internal', `the graph has no value ${nameShown(name)}`);
  return value;
};
