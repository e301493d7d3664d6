import ort from 'onnxruntime-node';
import { AppError, messageOf } from '../errors.ts';
import { onOneLine } from '../files/index.ts';
import { windowFeeds } from './feeds.ts';
import type { EngineSpec } from './protocol.ts';
import type { ExplainMethod } from './score.ts';

/** What one window's logits come from. */
export interface WindowExplanation {
  readonly logits: readonly number[];
  /** Without the words; only integrated gradients have them. */
  readonly baselineLogits: readonly number[] | undefined;
  /** Of an axis and a token of the window, counted from 0. */
  attribution(axis: number, token: number): number;
}

/** The output with the attributions, the better method first. */
const outputs: Readonly<Record<ExplainMethod, string>> = {
  integrated_gradients: 'integrated_gradients',
  gradient_x_input: 'attributions',
};

/** The explain graph in a session of one thread, always on the CPU. */
export class ExplainSession {
  readonly method: ExplainMethod;
  readonly #session: ort.InferenceSession;
  readonly #axes: number;

  private constructor(session: ort.InferenceSession, spec: EngineSpec) {
    this.#session = session;
    this.#axes = spec.task.axes.length;
    this.method = session.outputNames.includes(outputs.integrated_gradients)
      ? 'integrated_gradients'
      : 'gradient_x_input';
  }

  /** AppError `engine_failed` where the graph cannot be loaded; `internal` where there is none. */
  static async load(spec: EngineSpec): Promise<ExplainSession> {
    if (spec.explainPath === undefined) {
      throw new AppError('internal', 'the bundle has no graph that explains');
    }
    const session = await ort.InferenceSession.create(spec.explainPath, {
      executionProviders: ['cpu'],
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      logSeverityLevel: spec.verbose ? 2 : 4,
    }).catch((cause: unknown) => {
      const reason = onOneLine(messageOf(cause));
      throw new AppError('engine_failed', `the explain graph cannot be loaded: ${reason}`, {
        cause,
      });
    });
    return new ExplainSession(session, spec);
  }

  /** One backward pass for each axis, at every point of the path. */
  async run(ids: readonly number[]): Promise<WindowExplanation> {
    const results = await this.#session.run(windowFeeds(this.#session.inputMetadata, ids));
    const attributions = this.#numbers(results, outputs[this.method], ids.length);
    return {
      logits: this.#numbers(results, 'logits'),
      baselineLogits:
        this.method === 'integrated_gradients'
          ? this.#numbers(results, 'baseline_logits')
          : undefined,
      attribution: (axis, token) => attributions[axis * ids.length + token] ?? Number.NaN,
    };
  }

  /** An output of one text: so many numbers for each axis, all finite. */
  #numbers(results: ort.InferenceSession.OnnxValueMapType, name: string, each = 1): number[] {
    const { [name]: value } = results;
    if (value?.type !== 'float32' || value.size !== this.#axes * each) {
      throw new AppError(
        'engine_failed',
        `the explain graph's ${name} have the shape [${value?.dims}]`,
      );
    }
    const data = Array.from(value.data as Float32Array);
    if (data.every(Number.isFinite)) return data;
    throw new AppError('engine_failed', `the explain graph's ${name} are not finite`);
  }
}
