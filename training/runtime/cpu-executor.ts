import type { CompiledArtifacts } from '../artifacts/index.ts';
import type { Batch } from '../data/index.ts';
import { FusedAdamW } from '../optim/index.ts';
import type { SessionOptions, StepResult, Update } from './executor.ts';
import { batchFeeds } from './feeds.ts';
import { microBatches } from './micro-batches.ts';
import { Tensor as OrtTensor } from './onnxruntime.ts';
import { openInPlace, runInto } from './results-in-place.ts';
import { clearRows, type RowGradient, rowGradients, zerosFeeds } from './row-gradients.ts';
import { openSessions, SessionExecutor, type Sessions } from './session-executor.ts';
import { TrainingState } from './state.ts';
import { outcomeOf } from './step-failure.ts';

/**
 * The training and evaluation graphs in a session each, on the CPU. The optimizer is the fused one, which
 * updates parameters and moments in place: the runtime has no such kernel, and as a graph of element-wise
 * nodes an update takes ten times as long and a second set of buffers.
 */
export class CpuExecutor extends SessionExecutor {
  readonly #optimizer: FusedAdamW;
  readonly #rows: readonly RowGradient[];

  private constructor(sessions: Sessions, compiled: CompiledArtifacts) {
    const { parameters, options } = compiled;
    const optimizer = new FusedAdamW(parameters, options, sessions.accumulate > 1);
    super(sessions, new TrainingState(compiled, optimizer), compiled);
    this.#optimizer = optimizer;
    this.#rows = rowGradients(compiled.training.graph);
  }

  static async create(compiled: CompiledArtifacts, options: SessionOptions): Promise<CpuExecutor> {
    const sessions = await openSessions(compiled.training, compiled, options, openInPlace);
    return new CpuExecutor(sessions, compiled);
  }

  async trainStep(batch: Batch, update: Update): Promise<StepResult> {
    try {
      return this.#updateBy(await this.#gradientsOf(batch), update);
    } finally {
      clearRows(this.#rows, this.held.gradients, batch);
    }
  }

  #updateBy(loss: number, { learningRate, step }: Update): StepResult {
    const gradNorm = this.#optimizer.gradNorm();
    const { result, scale, failure } = outcomeOf({ loss, gradNorm }, step, this.scaler?.now);
    if (failure) throw failure;
    if (!result.skipped) this.#optimizer.update(learningRate, scale?.updates ?? step, gradNorm);
    if (this.scaler && scale) this.scaler.now = scale;
    return result;
  }

  /** Leaves the gradients of a batch, piece by piece, where the optimizer reads them; the loss. */
  async #gradientsOf(batch: Batch): Promise<number> {
    const pieces = microBatches(batch, this.sessions.accumulate);
    let loss = 0;
    for (const [i, piece] of pieces.entries()) {
      loss += (await this.#differentiate(piece)) / pieces.length;
      if (pieces.length === 1) continue;
      const isLast = i === pieces.length - 1;
      this.#optimizer.collect(1 / pieces.length, isLast);
      if (!isLast) clearRows(this.#rows, this.held.gradients, piece);
    }
    return loss;
  }

  /** One run of the training graph. */
  async #differentiate(batch: Batch): Promise<number> {
    const { training, inputs } = this.sessions;
    const { parameters, gradients } = this.held;
    const loss = new Float32Array(1);
    await runInto(
      training,
      {
        ...batchFeeds(batch, inputs),
        ...parameters,
        ...this.scaler?.feeds,
        ...zerosFeeds(this.#rows, gradients),
      },
      { loss: new OrtTensor('float32', loss, []), ...gradients },
    );
    return Number(loss[0]);
  }
}
