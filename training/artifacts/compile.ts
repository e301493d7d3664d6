import { AppError } from '../../src/errors.ts';
import { nameShown } from '../../src/files/index.ts';
import { addGradients } from '../autodiff/gradients.ts';
import { addGradientsRecomputing } from '../autodiff/recompute.ts';
import { expandAttention } from '../graph/transforms/attention-nodes.ts';
import { foldScalars } from '../graph/transforms/fold-scalars.ts';
import { rewriteForward } from '../graph/transforms/forward.ts';
import { toHalf } from '../graph/transforms/half.ts';
import { resultsAsSoonAsPossible } from '../graph/transforms/order.ts';
import { replacePads } from '../graph/transforms/pads.ts';
import { prune } from '../graph/transforms/prune.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import { cloneModel } from '../onnx/clone.ts';
import { formatShape, type Shape } from '../onnx/dim.ts';
import type { Graph, Value } from '../onnx/graph.ts';
import type { Model } from '../onnx/model.ts';
import { scalarTensor, type Tensor } from '../onnx/tensor.ts';
import { adamWModel, decays } from '../optim/index.ts';
import { describeArtifacts } from './describe.ts';
import { insertDropout, keepDropout } from './dropout.ts';
import { loopModel } from './loop.ts';
import { addLoss } from './loss.ts';
import type { CompileOptions } from './options.ts';
import { candidates, selected, type Untrained, untrainedWeights, weightsOf } from './parameters.ts';
import { prepare } from './prepare.ts';

export interface ParameterInfo {
  readonly name: string;
  readonly shape: readonly number[];
  /** Weight decay applies. */
  readonly decay: boolean;
  /** The forward graph's initializer that it came from; its own name for the attached head. */
  readonly initializer: string;
}

/** Everything that training needs, in graphs of stock operators. */
export interface CompiledArtifacts {
  readonly training: Model;
  readonly evaluation: Model;
  readonly optimizer: Model;
  /** K steps in one run; see `loopModel`. */
  readonly loop: Model;
  readonly parameters: readonly ParameterInfo[];
  readonly initial: ReadonlyMap<string, Tensor>;
  /** What looks like a weight, but is not trained. */
  readonly untrained: readonly Untrained[];
  /** What was changed of the given graph's meaning, a line each. */
  readonly notes: readonly string[];
  /** What artifacts.json says. */
  readonly description: object;
  /** The forward graph's inputs. */
  readonly inputs: readonly string[];
  readonly options: CompileOptions;
}

/**
 * Compiles a forward graph to training artifacts: the graph of loss and gradients, the one of loss and
 * logits, and the optimizer's. The given model stays as it is; the same input gives the same artifacts.
 *
 * @throws AppError `model_invalid`, `operator_unsupported`, or `config_invalid` for options that do not
 *   fit the graph
 */
export function compileArtifacts(forward: Model, options: CompileOptions): CompiledArtifacts {
  const prepared = prepare(forward, options);
  const { model: evaluation, logits, origins } = prepared;
  const inputs = evaluation.graph.inputs
    .filter((input) => input.initializer === undefined)
    .map((input) => input.name);
  // Before the loss is there: its weights are constants.
  const weights = weightsOf(prepared);
  const wanted = selected(candidates(weights), options).map((value) => value.name);
  const { loss } = addLoss(evaluation.graph, logits, options.posWeight);
  const training = cloneModel(evaluation);
  const dropoutPlaces = insertDropout(training.graph, {
    probability: options.dropout,
    seed: options.seed,
  });
  const half = options.precision === 'fp16';
  if (half) expandAttention(training.graph);
  rewriteForward(training.graph);
  rewriteForward(evaluation.graph);
  if (half) {
    foldScalars(training.graph);
    toHalf(training.graph);
  }
  const gradients = gradientsOf(training.graph, wanted, options);

  const untrained = untrainedWeights(weights, wanted, new Set(gradients.keys()));

  const initial = new Map<string, Tensor>();
  const parameters = [...gradients.keys()].map((name): ParameterInfo => {
    const value = valueNamed(evaluation.graph, name);
    const { initializer: tensor } = value;
    if (tensor === undefined)
      throw new AppError('internal', `${nameShown(name)} has no initial value`);
    initial.set(name, tensor);
    return {
      name,
      shape: tensor.dims,
      decay: decays(name, tensor.dims),
      initializer: origins.get(value) ?? name,
    };
  });

  keepDropout(training.graph, valueNamed(training.graph, 'labels'));
  finish(evaluation.graph, [loss, logits], parameters);
  const outputs = ['loss', 'logits'].map((name) => valueNamed(training.graph, name));
  finish(training.graph, [...outputs, ...gradients.values()], parameters);
  replacePads(training.graph);
  resultsAsSoonAsPossible(training.graph);
  const optimizer = adamWModel(parameters, options);
  const accumulates = (options.accumulate ?? 1) > 1;
  const loop = loopModel({ training, optimizer, parameters, accumulates });
  const models = { training, evaluation, optimizer, loop };
  const { notes } = prepared;
  const compiled = { ...models, parameters, initial, inputs, options, untrained, notes };
  return { ...compiled, description: describeArtifacts(compiled, dropoutPlaces) };
}

/**
 * Adds the gradients of the loss: `P.grad` for each parameter that the loss depends on, in order. Scaled, as in fp16, the
 * gradient of the loss is the input `loss_scale` in place of 1, so that small ones do not vanish in float16 on their
 * way; they are divided by it in float32.
 */
function gradientsOf(
  graph: Graph,
  names: readonly string[],
  { recompute, precision }: CompileOptions,
): Map<string, Value> {
  const scaled = precision === 'fp16';
  const loss = valueNamed(graph, 'loss');
  const b = new GraphBuilder(graph, 'gradient');
  const scale = scaled ? lossScaleInput(graph) : undefined;
  const upstream = scale ?? b.constant(scalarTensor('float32', 1), 'one');
  const values = names.map((name) => valueNamed(graph, name));
  const differentiate = recompute === 'layers' ? addGradientsRecomputing : addGradients;
  const found = differentiate(graph, new Map([[loss, upstream]]), values);
  const gradients = new Map<string, Value>();
  for (const value of values) {
    const gradient = found.get(value);
    if (gradient === undefined) continue;
    const own = scale ? b.div(gradient, scale) : gradient;
    gradients.set(value.name, namedGradient(b, value, own));
  }
  if (gradients.size === 0) {
    throw new AppError('model_invalid', 'the logits depend on no parameter that is to be trained');
  }
  return gradients;
}

function lossScaleInput(graph: Graph): Value {
  const taken = graph.find('loss_scale');
  if (taken) graph.rename(taken, graph.freshName('loss_scale_of_source'));
  return graph.addInput('loss_scale', 'float32', []);
}

/** Two parameters may have the same value as gradient, and a gradient may be the loss's own: each gets a value. */
function namedGradient(b: GraphBuilder, parameter: Value, gradient: Value): Value {
  const name = `${parameter.name}.grad`;
  if (gradient.shape && parameter.shape && !mayBeSame(gradient.shape, parameter.shape)) {
    throw new AppError(
      'internal',
      `the gradient of ${nameShown(parameter.name)} has shape ${formatShape(gradient.shape)}, the parameter ${formatShape(parameter.shape)}`,
    );
  }
  const taken = b.graph.find(name);
  if (taken && taken !== gradient) b.graph.rename(taken, b.graph.freshName(`${name}_of_source`));
  const own =
    gradient.producer && !gradient.name.endsWith('.grad') ? gradient : b.identity(gradient);
  b.graph.rename(own, name);
  own.shape = parameter.shape;
  return own;
}

/** A parameter's dimensions are numbers; a symbol may be found to stand for one of them. */
const mayBeSame = (a: Shape, b: Shape): boolean =>
  a.length === b.length &&
  a.every((dim, i) => typeof dim !== 'number' || typeof b[i] !== 'number' || dim === b[i]);

/** Sets the outputs, drops what they do not need, and makes the parameters inputs. */
function finish(
  graph: Graph,
  outputs: readonly Value[],
  parameters: readonly ParameterInfo[],
): void {
  graph.outputs.splice(0, graph.outputs.length, ...outputs);
  prune(graph);
  for (const { name } of parameters) graph.promoteToInput(valueNamed(graph, name));
}

function valueNamed(graph: Graph, name: string): Value {
  const value = graph.find(name);
  if (value === undefined)
    throw new AppError('internal', `the graph has no value ${nameShown(name)}`);
  return value;
}
