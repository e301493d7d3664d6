import type { FoundBundle } from '../bundle/index.ts';
import { AppError, messageOf } from '../errors.ts';
import { takingTurns } from '../taking-turns.ts';
import type { Logger, MeteredModel, Metrics } from '../telemetry/index.ts';
import { timeLimit } from '../time-limit.ts';
import type { CreateInstance, ModelInstance, ModelsContext } from './instance.ts';
import { type OpenedModel, withFolder } from './open-model.ts';
import type { ModelStatus, ServedModel, ServerState } from './served-model.ts';

/** What all models of a server share. */
export interface HostOptions {
  /** Verifies a bundle, see `openModel`. */
  readonly open: (found: FoundBundle) => Promise<OpenedModel>;
  readonly createInstance: CreateInstance;
  /** Milliseconds that verifying and loading may take. */
  readonly loadTimeoutMs: number;
  readonly metrics: Pick<Metrics, 'modelServed' | 'modelGone' | 'reloaded'>;
  readonly logger: Pick<Logger, 'info' | 'error'>;
  /** Whether the server will stop soon. */
  readonly isDraining: () => boolean;
}

/** Of one model. */
export interface HostContext extends ModelsContext {
  /** Engines on the CPU, where the model has no number of its own. */
  readonly engines: number;
}

/** A model that is served from a folder: holds the instance that serves it, and puts a new one in its place. */
export class ModelHost {
  readonly #options: HostOptions;
  readonly #found: FoundBundle;
  readonly #context: HostContext;
  /** All whose engines run: the one that is served, one that is loading, those that finish their requests. */
  readonly #living = new Set<ModelInstance>();
  #current: ModelInstance;
  #fingerprint: string;
  #wasReady = false;
  #stopped = false;

  /**
   * Verifies the bundle's folder anew, loads it in new engines beside the old ones, and serves it
   * once all of them have answered a warm-up. One at a time; who asks while one is under way gets the
   * next one. AppError where that fails or takes too long: the old model is served on, and the log says why.
   */
  readonly reload: () => Promise<ServedModel> = takingTurns(() => this.#load());

  constructor(found: FoundBundle, opened: OpenedModel, context: HostContext, options: HostOptions) {
    this.#found = found;
    this.#context = context;
    this.#options = options;
    this.#fingerprint = opened.fingerprint;
    this.#current = this.#create(opened);
    this.#current.ready.then(
      () => {
        this.#wasReady = true;
      },
      () => {},
    );
  }

  get dir(): string {
    return this.#found.dir;
  }

  /** The instance that new requests come to. */
  get current(): ModelInstance {
    return this.#current;
  }

  /** Of its folder, from before what is served was read. */
  get fingerprint(): string {
    return this.#fingerprint;
  }

  /** Texts that wait, for whichever instance. */
  get queueDepth(): number {
    return [...this.#living].reduce((sum, { queueDepth }) => sum + queueDepth, 0);
  }

  /** Resident bytes of its engines, of whichever instance. */
  get memoryBytes(): number {
    return [...this.#living].reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
  }

  get state(): ServerState {
    const { isCrashLooping, enginesUp } = this.#current;
    if (this.#options.isDraining()) return 'draining';
    if (isCrashLooping) return 'unavailable';
    if (enginesUp > 0) return 'ok';
    return this.#wasReady ? 'unavailable' : 'starting';
  }

  get status(): Omit<ModelStatus, 'isDefault'> {
    const { model, limits, enginesUp } = this.#current;
    const { state, queueDepth } = this;
    return { model, limits, state, workers: enginesUp, queueDepth };
  }

  /** An error with its folder, where that is one of several. */
  about(error: unknown): unknown {
    return this.#found.name === undefined ? error : withFolder(this.dir, error);
  }

  /** Resolves once nothing that was admitted is left. */
  async drained(): Promise<void> {
    await Promise.all([...this.#living].map((instance) => instance.drained()));
  }

  /** Takes no more work and loads no more bundles. */
  close(): void {
    this.#stopped = true;
    for (const instance of this.#living) instance.close();
  }

  /** Ends every engine. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#living].map((instance) => instance.stop()));
  }

  /** Once no new request comes to it: resolves when the last one is answered and its engines are gone. */
  async retire(): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#living].map((instance) => instance.retire()));
  }

  async #load(): Promise<ServedModel> {
    const { logger, metrics } = this.#options;
    const before = this.#current;
    try {
      const { opened, instance } = await this.#loadBeside();
      this.#current = instance;
      this.#fingerprint = opened.fingerprint;
      metrics.modelServed(metered(instance.model), metered(before.model));
      void before.retire().then(() => this.#living.delete(before));
    } catch (error) {
      const reason = messageOf(error);
      const { name: model } = before.model;
      metrics.reloaded(model, 'failure');
      logger.error('the bundle was not reloaded: the old one is served on', { model, reason });
      throw error;
    }
    const { name, version, precision } = this.#current.model;
    metrics.reloaded(name, 'success');
    logger.info('the bundle was reloaded', {
      model: name,
      version,
      precision,
      before: before.model.version,
    });
    return this.#current.model;
  }

  /** A new instance, all of whose engines have answered a warm-up. */
  async #loadBeside() {
    const { open, loadTimeoutMs } = this.#options;
    const inTime = timeLimit(loadTimeoutMs);
    this.#refuseStopped();
    const opened = await inTime(open(this.#found), `verifying ${this.dir}`);
    this.#refuseStopped();
    const instance = this.#create(opened);
    await inTime(instance.warm, `loading ${this.dir}`).catch(async (error: unknown) => {
      await instance.stop();
      this.#living.delete(instance);
      throw error;
    });
    this.#refuseStopped();
    return { opened, instance };
  }

  #refuseStopped(): void {
    if (!this.#stopped) return;
    throw new AppError('not_ready', 'the server is stopping and loads no bundle', {
      retryAfter: 1,
    });
  }

  #create(opened: OpenedModel): ModelInstance {
    const instance = this.#options.createInstance(opened, {
      ...this.#context,
      state: () => this.state,
      onLost: () => {
        // Nothing of what was verified is left to run: better the new bundle than none.
        if (instance === this.#current) this.reload().catch(() => {});
      },
    });
    this.#living.add(instance);
    return instance;
  }
}

/** A model in the terms that its metrics are labelled with. */
export function metered({ name, version, precision, task }: ServedModel): MeteredModel {
  return { name, version, precision, axes: task.axes };
}
