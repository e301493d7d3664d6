import { AppError } from '../../src/errors.ts';
import type { CompiledArtifacts } from '../artifacts/index.ts';
import type { Batch } from '../data/index.ts';
import type { Tensor } from '../onnx/tensor.ts';
import { FusedAdamW } from '../optim/index.ts';
import type { Executor, SessionOptions } from './executor.ts';
import { batchFeeds, requireKnownInputs } from './feeds.ts';
import { type InferenceSession, Tensor as OrtTensor } from './onnxruntime.ts';
import { openSession } from './session.ts';
import { TrainingState } from './state.ts';

/**
 * The training and evaluation graphs in a session each, on the CPU. The optimizer is the fused one, which
 * updates parameters and moments in place: the runtime has no such kernel, and as a graph of element-wise
 * nodes an update takes ten times as long and a second set of buffers.
 */
export class CpuExecutor implements Executor {
  readonly #training: InferenceSession;
  readonly #optimizer: FusedAdamW;
  readonly #evaluation: InferenceSession;
  readonly #inputs: readonly string[];
  readonly #state: TrainingState;

  private constructor(
    sessions: readonly [InferenceSession, InferenceSession],
    compiled: CompiledArtifacts,
  ) {
    [this.#training, this.#evaluation] = sessions;
    this.#inputs = compiled.inputs;
    this.#optimizer = new FusedAdamW(compiled.parameters, compiled.options);
    this.#state = new TrainingState(compiled, this.#optimizer);
  }

  static async create(compiled: CompiledArtifacts, options: SessionOptions): Promise<CpuExecutor> {
    requireKnownInputs(compiled.inputs);
    const training = await openSession(compiled.training, options);
    const evaluation = await openSession(compiled.evaluation, options);
    return new CpuExecutor([training, evaluation], compiled);
  }

  async trainStep(
    batch: Batch,
    { learningRate, step }: { readonly learningRate: number; readonly step: number },
  ): Promise<{ loss: number; gradNorm: number }> {
    const state = this.#state;
    const { gradients } = state;
    const results = await this.#training.run(
      { ...batchFeeds(batch, this.#inputs), ...state.parameters },
      { loss: scalar(0), ...gradients },
    );
    const loss = Number(results.loss?.data[0]);
    requireFinite(loss, `the loss of step ${step}`);
    const gradNorm = this.#optimizer.gradNorm();
    requireFinite(gradNorm, `the norm of the gradients of step ${step}`);
    this.#optimizer.update(learningRate, step, gradNorm);
    return { loss, gradNorm };
  }

  async evaluate(batch: Batch): Promise<{ loss: number; logits: Float32Array }> {
    const feeds = { ...batchFeeds(batch, this.#inputs), ...this.#state.parameters };
    const results = await this.#evaluation.run(feeds, ['loss', 'logits']);
    const { loss, logits } = results;
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
    await this.#training.release();
    await this.#evaluation.release();
  }
}

const scalar = (value: number): OrtTensor => new OrtTensor('float32', Float32Array.of(value), []);

function requireFinite(value: number, what: string): void {
  if (Number.isFinite(value)) return;
  throw new AppError('training_failed', `${what} is ${value}: expected a finite number`, {
    hint: 'a smaller train.learning_rate or more train.warmup_steps usually help',
  });
}
