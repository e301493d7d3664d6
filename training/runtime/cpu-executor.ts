import type { CompiledArtifacts } from '../artifacts/index.ts';
import type { Batch } from '../data/index.ts';
import { FusedAdamW } from '../optim/index.ts';
import type { SessionOptions, StepResult, Update } from './executor.ts';
import { batchFeeds } from './feeds.ts';
import { Tensor as OrtTensor } from './onnxruntime.ts';
import { openSessions, SessionExecutor, type Sessions, stepFailure } from './session-executor.ts';
import { TrainingState } from './state.ts';

/**
 * The training and evaluation graphs in a session each, on the CPU. The optimizer is the fused one, which
 * updates parameters and moments in place: the runtime has no such kernel, and as a graph of element-wise
 * nodes an update takes ten times as long and a second set of buffers.
 */
export class CpuExecutor extends SessionExecutor {
  readonly #optimizer: FusedAdamW;

  private constructor(sessions: Sessions, compiled: CompiledArtifacts) {
    const optimizer = new FusedAdamW(compiled.parameters, compiled.options);
    super(sessions, new TrainingState(compiled, optimizer));
    this.#optimizer = optimizer;
  }

  static async create(compiled: CompiledArtifacts, options: SessionOptions): Promise<CpuExecutor> {
    return new CpuExecutor(await openSessions(compiled.training, compiled, options), compiled);
  }

  async trainStep(batch: Batch, { learningRate, step }: Update): Promise<StepResult> {
    const { training, inputs } = this.sessions;
    const { parameters, gradients } = this.held;
    const results = await training.run(
      { ...batchFeeds(batch, inputs), ...parameters },
      { loss: new OrtTensor('float32', new Float32Array(1), []), ...gradients },
    );
    const result = {
      loss: Number(results.loss?.data[0]),
      gradNorm: this.#optimizer.gradNorm(),
    };
    const failure = stepFailure(result, step);
    if (failure) throw failure;
    this.#optimizer.update(learningRate, step, result.gradNorm);
    return result;
  }
}
