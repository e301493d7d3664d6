import { AppError } from '../../src/errors.ts';
import type { CompiledArtifacts } from '../artifacts/index.ts';
import type { Batch } from '../data/index.ts';
import type { Tensor } from '../onnx/tensor.ts';
import type { Executor, SessionOptions } from './executor.ts';
import { batchFeeds, requireKnownInputs } from './feeds.ts';
import { type InferenceSession, Tensor as OrtTensor } from './onnxruntime.ts';
import { openSession } from './session.ts';
import { type Tensors, TrainingState } from './state.ts';

/** The training, optimizer and evaluation graphs in a session each, on the CPU. */
export class CpuExecutor implements Executor {
  readonly #training: InferenceSession;
  readonly #optimizer: InferenceSession;
  readonly #evaluation: InferenceSession;
  readonly #inputs: readonly string[];
  readonly #state: TrainingState;

  private constructor(
    sessions: readonly [InferenceSession, InferenceSession, InferenceSession],
    compiled: CompiledArtifacts,
  ) {
    [this.#training, this.#optimizer, this.#evaluation] = sessions;
    this.#inputs = compiled.inputs;
    this.#state = new TrainingState(compiled);
  }

  static async create(compiled: CompiledArtifacts, options: SessionOptions): Promise<CpuExecutor> {
    requireKnownInputs(compiled.inputs);
    const training = await openSession(compiled.training, options);
    const optimizer = await openSession(compiled.optimizer, options);
    const evaluation = await openSession(compiled.evaluation, options);
    return new CpuExecutor([training, optimizer, evaluation], compiled);
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
    const loss = finite(results, 'loss', `the loss of step ${step}`);
    const updated = await this.#optimizer.run(
      {
        learning_rate: scalar(learningRate),
        step: new OrtTensor('int64', BigInt64Array.of(BigInt(step)), []),
        ...state.current,
        ...gradients,
      },
      { grad_norm: scalar(0), ...state.outputs },
    );
    const gradNorm = finite(updated, 'grad_norm', `the norm of the gradients of step ${step}`);
    state.swap();
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
    await this.#optimizer.release();
    await this.#evaluation.release();
  }
}

const scalar = (value: number): OrtTensor => new OrtTensor('float32', Float32Array.of(value), []);

/** AppError `training_failed` where an output is no finite number. */
function finite(results: Tensors, name: string, what: string): number {
  const value = Number(results[name]?.data[0]);
  if (Number.isFinite(value)) return value;
  throw new AppError('training_failed', `${what} is ${value}: expected a finite number`, {
    hint: 'a smaller train.learning_rate or more train.warmup_steps usually help',
  });
}
