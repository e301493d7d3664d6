import ort from 'onnxruntime-node';
import { fixedAxes, inputProblem } from '../bundle/index.ts';
import { AppError, messageOf } from '../errors.ts';
import { onOneLine, shown } from '../files/index.ts';
import { windowFeeds } from './feeds.ts';
import { type Device, type EngineSpec, isOnCpu } from './protocol.ts';

const LOGITS = 'logits';

/** ONNX Runtime's severities. Errors are thrown anyway, so that only what is fatal is printed too. */
const severity = { quiet: 4, verbose: 2 } as const;

/** A classifier's graph in a session of one thread, its signature checked. */
export class LogitsSession {
  readonly #session: ort.InferenceSession;
  readonly #spec: EngineSpec;

  private constructor(session: ort.InferenceSession, spec: EngineSpec) {
    this.#session = session;
    this.#spec = spec;
  }

  /** AppError `bundle_invalid` or `device_unavailable`. */
  static async load(spec: EngineSpec): Promise<LogitsSession> {
    ort.env.logLevel = spec.verbose ? 'warning' : 'fatal';
    const session = await createSession(spec);
    const problem = signatureProblem(session);
    if (problem) throw new AppError('bundle_invalid', `${spec.modelFile}: ${problem}`);
    return new LogitsSession(session, spec);
  }

  /** The logits [axes] of one window of ids; alone and unpadded, so that it depends on nothing else. */
  async run(ids: readonly number[]): Promise<Float32Array> {
    const [logits] = await this.runTogether([ids]);
    return logits ?? new Float32Array();
  }

  /** The logits [axes] of each window; windows of unlike lengths are padded, and the padding is masked. */
  async runTogether(windows: readonly (readonly number[])[]): Promise<Float32Array[]> {
    const feeds = windowFeeds(this.#session.inputMetadata, ...windows);
    const { [LOGITS]: logits } = await this.#session.run(feeds, [LOGITS]);
    const data = this.#checked(logits, windows.length);
    const axes = this.#spec.task.axes.length;
    return windows.map((_, row) => data.subarray(row * axes, (row + 1) * axes));
  }

  #checked(logits: ort.OnnxValue | undefined, rows: number): Float32Array {
    const axes = this.#spec.task.axes.length;
    if (logits?.type !== 'float32' || logits.dims.join() !== `${rows},${axes}`) {
      throw this.#refusal(
        `the logits of ${rows === 1 ? 'one text' : `${rows} windows`} have shape [${logits?.dims}]: expected [${rows}, ${axes}], one for each axis`,
      );
    }
    const data = logits.data as Float32Array;
    if (!data.every(Number.isFinite)) throw this.#refusal('the logits are not finite');
    return data;
  }

  #refusal(problem: string): AppError {
    return new AppError('bundle_invalid', `${this.#spec.modelFile}: ${problem}`);
  }
}

async function createSession(spec: EngineSpec): Promise<ort.InferenceSession> {
  const onCpu = isOnCpu(spec);
  try {
    return await ort.InferenceSession.create(spec.modelPath, {
      executionProviders: onCpu ? ['cpu'] : [spec.device],
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      graphOptimizationLevel: 'all',
      logSeverityLevel: spec.verbose ? severity.verbose : severity.quiet,
      // Without it 8-bit weights saturate on CPUs without VNNI. It changes nothing, nor costs anything, where all
      // weights lie within ±64, as in the files that mbti-train writes: it is for int8 files from elsewhere.
      extra: { session: { x64quantprecision: '1' } },
    });
  } catch (cause) {
    const reason = onOneLine(messageOf(cause));
    if (!onCpu) throw deviceUnavailable(spec.device, reason, cause);
    throw new AppError('bundle_invalid', `${spec.modelFile} cannot be loaded: ${reason}`, {
      hint: 'write the bundle again with this version of mbti-train',
      cause,
    });
  }
}

function deviceUnavailable(device: Device, reason: string, cause: unknown): AppError {
  return new AppError('device_unavailable', `runtime.device ${device} cannot be used: ${reason}`, {
    hint: 'set runtime.device=cpu, or install what the device needs',
    cause,
  });
}

function signatureProblem(session: ort.InferenceSession): string | undefined {
  const inputs = session.inputMetadata;
  const [fixed] = fixedAxes(inputs, ['sequence']);
  const problem = inputProblem(inputs) ?? (fixed && `${fixed}: expected texts of any length`);
  if (problem !== undefined) return problem;
  if (session.outputNames.includes(LOGITS)) return undefined;
  return `it has no output ${LOGITS}: its outputs are ${onOneLine(session.outputNames.map(shown).join(', '))}`;
}
