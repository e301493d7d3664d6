import { AppError } from '../../src/errors.ts';
import type { CompiledArtifacts } from '../artifacts/index.ts';
import type { Batch } from '../data/index.ts';
import { elementCount, type Tensor } from '../onnx/tensor.ts';
import type { Executor, SessionOptions, StepResult, Update } from './executor.ts';
import { batchFeeds, requireKnownInputs } from './feeds.ts';
import { LoopPace } from './loop-pace.ts';
import { type InferenceSession, Tensor as OrtTensor } from './onnxruntime.ts';
import { openSession } from './session.ts';
import { type Tensors, TrainingState } from './state.ts';

/** Bytes of a parameter's element in the state: itself and two moments, float32. */
const STATE_BYTES = 12;

/**
 * K steps in one run of `train_loop`: the state goes to the device and comes back once for all of them. For
 * providers whose memory is not the host's.
 */
export class LoopExecutor implements Executor {
  readonly #loop: InferenceSession;
  readonly #evaluation: InferenceSession;
  readonly #inputs: readonly string[];
  readonly #state: TrainingState;
  readonly #pace: LoopPace;

  private constructor(
    [loop, evaluation]: readonly [InferenceSession, InferenceSession],
    compiled: CompiledArtifacts,
    options: SessionOptions,
  ) {
    this.#loop = loop;
    this.#evaluation = evaluation;
    this.#inputs = compiled.inputs;
    this.#state = new TrainingState(compiled);
    const elements = compiled.parameters.reduce((sum, { shape }) => sum + elementCount(shape), 0);
    this.#pace = new LoopPace(STATE_BYTES * elements, options.loop_steps);
  }

  static async create(compiled: CompiledArtifacts, options: SessionOptions): Promise<LoopExecutor> {
    requireKnownInputs(compiled.inputs);
    const loop = await openSession(compiled.loop, options);
    const evaluation = await openSession(compiled.evaluation, options);
    return new LoopExecutor([loop, evaluation], compiled, options);
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
    const results = await this.#run(batches, updates);
    const failed = results.findIndex((result) => !isSound(result));
    if (failed < 0) {
      this.#state.swap();
      this.#pace.observe(batches.length, (performance.now() - started) / 1000);
      return results;
    }
    // Again without the step that failed, for the state before it.
    if (failed > 0) {
      const again = await this.#run(batches.slice(0, failed), updates.slice(0, failed));
      if (again.every(isSound)) this.#state.swap();
    }
    throw failure(results[failed], updates[failed]);
  }

  async evaluate(batch: Batch): Promise<{ loss: number; logits: Float32Array }> {
    const feeds = { ...batchFeeds(batch, this.#inputs), ...this.#state.parameters };
    const { loss, logits } = await this.#evaluation.run(feeds, ['loss', 'logits']);
    return { loss: Number(loss?.data[0]), logits: logits?.data as Float32Array };
  }

  parameters(): Map<string, Tensor> {
    return this.#state.copy(['']);
  }

  state(): Map<string, Tensor> {
    return this.#state.copy();
  }

  load(state: ReadonlyMap<string, Tensor>): void {
    this.#state.load(state);
  }

  async dispose(): Promise<void> {
    await this.#loop.release();
    await this.#evaluation.release();
  }

  /** The new state stands in the second set of buffers, until it is swapped in. */
  async #run(batches: readonly Batch[], updates: readonly Update[]): Promise<StepResult[]> {
    const rates = Float32Array.from(updates, ({ learningRate }) => learningRate);
    const count = rates.length;
    const zeros = (): OrtTensor => new OrtTensor('float32', new Float32Array(count), [count]);
    const { losses, grad_norms: norms } = await this.#loop.run(
      {
        ...stack(batches.map((batch) => batchFeeds(batch, this.#inputs))),
        learning_rates: new OrtTensor('float32', rates, [count]),
        step: new OrtTensor('int64', BigInt64Array.of(BigInt(updates[0]?.step ?? 1)), []),
        ...this.#state.current,
      },
      { losses: zeros(), grad_norms: zeros(), ...this.#state.outputs },
    );
    return updates.map((_, k) => ({
      loss: Number(losses?.data[k]),
      gradNorm: Number(norms?.data[k]),
    }));
  }
}

function requireOneRun(batches: readonly Batch[], updates: readonly Update[]): void {
  const [first] = batches;
  const fits =
    batches.length > 0 &&
    batches.length === updates.length &&
    batches.every(({ size, length }) => size === first?.size && length === first.length) &&
    updates.every(({ step }, k) => step === (updates[0]?.step ?? 0) + k);
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
    float32: () => new Float32Array(length),
  };
  const array = make[type]?.();
  if (array === undefined) throw new AppError('internal', `batches hold no ${type}`);
  return array as BigInt64Array;
}

const isSound = ({ loss, gradNorm }: StepResult): boolean =>
  Number.isFinite(loss) && Number.isFinite(gradNorm);

function failure(result: StepResult | undefined, update: Update | undefined): AppError {
  const { loss = Number.NaN, gradNorm = Number.NaN } = result ?? {};
  const [what, value] = Number.isFinite(loss)
    ? ['norm of the gradients', gradNorm]
    : ['loss', loss];
  return new AppError(
    'training_failed',
    `the ${what} of step ${update?.step} is ${value}: expected a finite number`,
    { hint: 'a smaller train.learning_rate or more train.warmup_steps usually help' },
  );
}
