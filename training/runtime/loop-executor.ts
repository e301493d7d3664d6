import { AppError } from '../../src/errors.ts';
import type { CompiledArtifacts } from '../artifacts/index.ts';
import type { Batch } from '../data/index.ts';
import { elementCount } from '../onnx/tensor.ts';
import type { SessionOptions, StepResult, Update } from './executor.ts';
import { batchFeeds } from './feeds.ts';
import { LoopPace } from './loop-pace.ts';
import { Tensor as OrtTensor } from './onnxruntime.ts';
import { openSessions, SessionExecutor, type Sessions } from './session-executor.ts';
import { type Tensors, TrainingState } from './state.ts';
import { type Outcome, outcomeOf } from './step-failure.ts';

/** Bytes of a parameter's element in the state: itself and two moments, float32. */
const STATE_BYTES = 12;

/**
 * K steps in one run of `train_loop`: the state goes to the device and comes back once for all of them. For
 * providers whose memory is not the host's.
 */
export class LoopExecutor extends SessionExecutor {
  readonly #pace: LoopPace;

  private constructor(sessions: Sessions, compiled: CompiledArtifacts, options: SessionOptions) {
    super(sessions, new TrainingState(compiled), compiled);
    const elements = compiled.parameters.reduce((sum, { shape }) => sum + elementCount(shape), 0);
    this.#pace = new LoopPace(STATE_BYTES * elements, options.loop_steps);
  }

  static async create(compiled: CompiledArtifacts, options: SessionOptions): Promise<LoopExecutor> {
    const sessions = await openSessions(compiled.loop, compiled, options);
    return new LoopExecutor(sessions, compiled, options);
  }

  get stepsPerRun(): number {
    return this.#pace.steps;
  }

  async trainStep(batch: Batch, update: Update): Promise<StepResult> {
    const [result] = await this.trainSteps([batch], [update]);
    if (result === undefined) throw new AppError('internal', 'the loop did no step');
    return result;
  }

  async trainSteps(batches: readonly Batch[], updates: readonly Update[]): Promise<StepResult[]> {
    requireOneRun(batches, updates);
    const started = performance.now();
    const outcomes = await this.#run(batches, updates);
    const failed = outcomes.findIndex(({ failure }) => failure);
    if (failed < 0) {
      this.#keep(outcomes);
      this.#pace.observe(batches.length, (performance.now() - started) / 1000);
      return outcomes.map(({ result }) => result);
    }
    // Again without the step that failed, for the state before it.
    if (failed > 0) {
      const before = await this.#run(batches.slice(0, failed), updates.slice(0, failed));
      if (!before.some(({ failure }) => failure)) this.#keep(before);
    }
    throw outcomes[failed]?.failure;
  }

  /** What the last run wrote becomes the state. */
  #keep(outcomes: readonly Outcome[]): void {
    this.held.swap();
    const scale = outcomes.at(-1)?.scale;
    if (this.scaler && scale) this.scaler.now = scale;
  }

  #feeds(batch: Batch): Tensors {
    const { inputs, accumulate } = this.sessions;
    const feeds = batchFeeds(batch, inputs);
    return accumulate === 1 ? feeds : inPieces(feeds, this.runsOf(batch.size));
  }

  /** The new state stands in the second set of buffers, until it is swapped in. */
  async #run(batches: readonly Batch[], updates: readonly Update[]): Promise<Outcome[]> {
    const rates = Float32Array.from(updates, ({ learningRate }) => learningRate);
    const count = rates.length;
    const zeros = (): OrtTensor => new OrtTensor('float32', new Float32Array(count), [count]);
    const { losses, grad_norms: norms } = await this.sessions.training.run(
      {
        ...stack(batches.map((batch) => this.#feeds(batch))),
        learning_rates: new OrtTensor('float32', rates, [count]),
        step: new OrtTensor('int64', BigInt64Array.of(BigInt(updates[0]?.step ?? 1)), []),
        ...this.held.current,
        ...this.scaler?.loopFeeds,
      },
      { losses: zeros(), grad_norms: zeros(), ...this.held.outputs },
    );
    const outcomes: Outcome[] = [];
    for (const [k, { step }] of updates.entries()) {
      const result = { loss: Number(losses?.data[k]), gradNorm: Number(norms?.data[k]) };
      outcomes.push(outcomeOf(result, step, outcomes.at(-1)?.scale ?? this.scaler?.now));
    }
    return outcomes;
  }
}

/** Feeds [size, …] as pieces [count, size / count, …]. */
function inPieces(feeds: Tensors, count: number): Tensors {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, tensor]) => {
      const [size = count, ...rest] = tensor.dims;
      return [name, tensor.reshape([count, size / count, ...rest])];
    }),
  );
}

function requireOneRun(batches: readonly Batch[], updates: readonly Update[]): void {
  const [first] = batches;
  const fits =
    batches.length > 0 &&
    batches.length === updates.length &&
    batches.every(({ size, length }) => size === first?.size && length === first.length) &&
    updates.every(({ step }, k, [start]) => step - k === start?.step);
  if (fits) return;
  throw new AppError(
    'internal',
    'a run takes batches of one shape and an update for each, of consecutive steps',
  );
}

/** Tensors [K, …] of K tensors […] each. */
function stack(feeds: readonly Tensors[]): Tensors {
  return Object.fromEntries(
    Object.entries(feeds[0] ?? {}).map(([name, { type, dims, size }]) => {
      const shape = [feeds.length, ...dims];
      const stacked = new OrtTensor(type as 'int64', emptyOf(type, feeds.length * size), shape);
      feeds.forEach((feed, k) => {
        (stacked.data as BigInt64Array).set(feed[name]?.data as BigInt64Array, k * size);
      });
      return [name, stacked];
    }),
  );
}

/** Typed as one of them: what is set into it has the same element type. */
function emptyOf(type: OrtTensor.Type, length: number): BigInt64Array {
  const make: Partial<Record<OrtTensor.Type, () => unknown>> = {
    int64: () => new BigInt64Array(length),
    int32: () => new Int32Array(length),
    float32: () => new Float32Array(length),
  };
  const array = make[type]?.();
  if (array === undefined) throw new AppError('internal', `batches hold no ${type}`);
  return array as BigInt64Array;
}
