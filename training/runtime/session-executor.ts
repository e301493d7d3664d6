import type { GraphInput } from '../../src/bundle/index.ts';
import type { CompiledArtifacts } from '../artifacts/index.ts';
import type { Batch } from '../data/index.ts';
import type { Model } from '../onnx/model.ts';
import type { Tensor } from '../onnx/tensor.ts';
import { providerOf } from './device.ts';
import { hasDropout, withMasksFrom } from './dropout-stream.ts';
import type { Executor, SessionOptions, StepResult, Update } from './executor.ts';
import { batchFeeds, requireKnownInputs } from './feeds.ts';
import { LossScaler } from './loss-scaler.ts';
import { pieceCount } from './micro-batches.ts';
import type { InferenceSession } from './onnxruntime.ts';
import { openSession } from './session.ts';
import type { TrainingState } from './state.ts';

/** What an executor of compiled artifacts runs: the graph that trains, and the one that evaluates. */
export interface Sessions {
  training: InferenceSession;
  readonly evaluation: InferenceSession;
  /** The forward graph's inputs. */
  readonly inputs: readonly GraphInput[];
  /** Into how many pieces a batch is cut. */
  readonly accumulate: number;
  /** Opens the training graph anew, with masks as after so many batches; undefined without dropout. */
  readonly reopen: ((batches: number) => Promise<InferenceSession>) | undefined;
  /** The provider's masks follow from the number of batches alone, in stopped and unbroken runs alike. */
  readonly masksFollowBatches: boolean;
}

/** @param open opens a session of the training graph; by default as any other */
export async function openSessions(
  training: Model,
  compiled: CompiledArtifacts,
  options: SessionOptions,
  open: (model: Model, options: SessionOptions) => Promise<InferenceSession> = openSession,
): Promise<Sessions> {
  const { graph } = compiled.evaluation;
  const inputs = compiled.inputs.map((name) => ({ name, type: graph.find(name)?.type }));
  requireKnownInputs(inputs);
  return {
    training: await open(training, options),
    evaluation: await openSession(compiled.evaluation, options),
    inputs,
    accumulate: compiled.options.accumulate ?? 1,
    reopen: hasDropout(training)
      ? (batches) => withMasksFrom(training, batches, (model) => open(model, options))
      : undefined,
    masksFollowBatches: !hasDropout(training) || providerOf(options.device) === 'cpu',
  };
}

/** All of an executor but its training: evaluation, and the state's way in and out. */
export abstract class SessionExecutor implements Executor {
  protected readonly sessions: Sessions;
  protected readonly held: TrainingState;
  /** Of float16. */
  protected readonly scaler: LossScaler | undefined;

  protected constructor(sessions: Sessions, held: TrainingState, compiled: CompiledArtifacts) {
    this.sessions = sessions;
    this.held = held;
    this.scaler = LossScaler.of(compiled);
  }

  abstract trainStep(batch: Batch, update: Update): Promise<StepResult>;

  async evaluate(batch: Batch): Promise<{ loss: number; logits: Float32Array }> {
    const { evaluation, inputs } = this.sessions;
    const feeds = { ...batchFeeds(batch, inputs), ...this.held.parameters };
    const { loss, logits } = await evaluation.run(feeds, ['loss', 'logits']);
    return { loss: Number(loss?.data[0]), logits: logits?.data as Float32Array };
  }

  get masksFollowBatches(): boolean {
    return this.sessions.masksFollowBatches;
  }

  runsOf(size: number): number {
    return pieceCount(size, this.sessions.accumulate);
  }

  async continueAt(batches: number): Promise<void> {
    const { reopen, training } = this.sessions;
    if (reopen === undefined) return;
    await training.release();
    this.sessions.training = await reopen(batches);
  }

  parameters(): Map<string, Tensor> {
    return this.held.copy(['']);
  }

  state(): Map<string, Tensor> {
    return new Map([...this.held.copy(), ...(this.scaler?.state() ?? [])]);
  }

  load(state: ReadonlyMap<string, Tensor>): void {
    this.held.load(state);
    this.scaler?.load(state);
  }

  async dispose(): Promise<void> {
    await this.sessions.training.release();
    await this.sessions.evaluation.release();
  }
}
