import type { Config } from '../../src/config/index.ts';
import type { Batch } from '../data/index.ts';
import type { Tensor } from '../onnx/tensor.ts';

export interface Update {
  readonly learningRate: number;
  /** From 1. */
  readonly step: number;
}

export interface StepResult {
  /** The mean over all elements. */
  readonly loss: number;
  /** Norm of all gradients, before clipping. */
  readonly gradNorm: number;
  /** The gradients were too large for float16: nothing was updated, and the loss scale is smaller now. */
  readonly skipped?: boolean;
}

/** Runs training artifacts on a device. One call at a time. */
export interface Executor {
  /**
   * One step: loss and gradients of a batch, in `accumulate` pieces where that was compiled, then an update of all parameters. `step` counts from 1.
   * AppError `training_failed` where the loss or the gradients' norm is no finite number; the state is then
   * the one before the step. In float16 a norm that is none skips the update, as long as the loss scale is 1 at least.
   */
  trainStep(batch: Batch, update: Update): Promise<StepResult>;
  /**
   * Of executors that keep the state on their device within a run: consecutive steps with batches of one shape. Of
   * several steps the one that fails is named, and the state is the one before it. Callers use `trainSteps`,
   * which takes any batches and any executor.
   */
  trainSteps?(batches: readonly Batch[], updates: readonly Update[]): Promise<StepResult[]>;
  /** How many steps such an executor wants in one run; it may change from run to run. */
  readonly stepsPerRun?: number;
  /** The loss (mean over all elements) and the logits [size, labels] of a batch, without dropout. */
  evaluate(batch: Batch): Promise<{ loss: number; logits: Float32Array }>;
  /** How often the training graph runs for a batch of so many rows: once, unless gradients are accumulated. */
  runsOf(size: number): number;
  /**
   * Dropout goes on as after so many runs of the training graph: on the CPU with the masks of a run that was never
   * stopped, elsewhere with a stream of masks that depends on the number alone.
   */
  continueAt(runs: number): Promise<void>;
  /** False where stopped and unbroken runs agree only if both call `continueAt` at each checkpoint. */
  readonly masksFollowBatches: boolean;
  /** Copies of the parameters, by name. */
  parameters(): Map<string, Tensor>;
  /** Copies of the parameters P and of their moments P.exp_avg and P.exp_avg_sq; in float16 the loss scale's numbers. */
  state(): Map<string, Tensor>;
  /** Sets parameters, and moments and loss scale where they are given. AppError `data_invalid` where one is missing. */
  load(state: ReadonlyMap<string, Tensor>): void;
  dispose(): Promise<void>;
}

export interface SessionOptions
  extends Partial<Pick<Config['runtime'], 'loop_steps' | 'allow_cpu_fallback'>> {
  /** `cpu`, or another provider's name; `auto` takes the best that is there. */
  readonly device: string;
  /** Threads of one operator; 0: one for each core. */
  readonly threads: number;
  /** Shows the runtime's own warnings. */
  readonly verbose?: boolean;
  /** Keeps the runtime's lines about errors off the screen: what fails is thrown too. */
  readonly quiet?: boolean;
}
