import type { FoundBundle } from '../bundle/index.ts';
import type { Config } from '../config/index.ts';
import { AppError, messageOf } from '../errors.ts';
import type { ModelStatus, ServedModel, ServerState } from '../http/index.ts';
import { takingTurns } from '../taking-turns.ts';
import type { MeteredModel } from '../telemetry/index.ts';
import { timeLimit } from '../time-limit.ts';
import { Generation, type ServerParts } from './generation.ts';
import { type OpenedModel, openModel } from './served-model.ts';

export interface HostOptions extends Omit<ServerParts, 'lost' | 'state'> {
  readonly config: Config;
  readonly found: FoundBundle;
  readonly verbose: boolean;
  /** Whether the server will stop soon. */
  readonly isDraining: () => boolean;
}

/** Holds the generation of a model that is served, and puts a new one in its place. */
export class ModelHost {
  readonly #options: HostOptions;
  /** All whose engines run: the one that is served, one that is loading, those that finish their requests. */
  readonly #living = new Set<Generation>();
  #current: Generation;
  #wasReady = false;
  #stopped = false;

  /**
   * Verifies the bundle's folder anew, loads it in new engines beside the old ones, and serves it
   * once all of them have answered a warm-up. One at a time; who asks while one is under way gets the
   * next one. AppError where that fails or takes too long: the old model is served on, and the log says why.
   */
  readonly reload: () => Promise<ServedModel> = takingTurns(() => this.#load());

  constructor(opened: OpenedModel, options: HostOptions) {
    this.#options = options;
    this.#current = this.#create(opened);
    this.#current.pool.ready.then(
      () => {
        this.#wasReady = true;
      },
      () => {},
    );
  }

  get dir(): string {
    return this.#options.found.dir;
  }

  get current(): Generation {
    return this.#current;
  }

  /** Texts that wait, for whichever generation. */
  get depth(): number {
    return [...this.#living].reduce((sum, { scheduler }) => sum + scheduler.depth, 0);
  }

  /** Resident bytes of its engines, of whichever generation. */
  get memoryBytes(): number {
    return [...this.#living].reduce((sum, { pool }) => sum + pool.memoryBytes, 0);
  }

  get state(): ServerState {
    const { pool } = this.#current;
    if (this.#options.isDraining()) return 'draining';
    if (pool.isCrashLooping) return 'unavailable';
    if (pool.up > 0) return 'ok';
    return this.#wasReady ? 'unavailable' : 'starting';
  }

  get status(): Omit<ModelStatus, 'isDefault'> {
    const { model, limits, pool } = this.#current;
    return { model, limits, state: this.state, workers: pool.up, queueDepth: this.depth };
  }

  /** Resolves once nothing that was admitted is left. */
  async drained(): Promise<void> {
    await Promise.all([...this.#living].map(({ scheduler }) => scheduler.drained()));
  }

  /** Takes no more work and loads no more bundles. */
  close(): void {
    this.#stopped = true;
    for (const { scheduler } of this.#living) scheduler.close();
  }

  /** Ends every engine. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#living].map(({ pool }) => pool.stop()));
  }

  /** Once no new request comes to it: resolves when the last one is answered and its engines are gone. */
  async retire(): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#living].map((generation) => generation.retire()));
  }

  async #load(): Promise<ServedModel> {
    const { logger, metrics } = this.#options;
    const before = this.#current;
    try {
      this.#current = await this.#open();
      metrics.modelServed(metered(this.#current.model), metered(before.model));
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

  async #open(): Promise<Generation> {
    const { config, found, verbose } = this.#options;
    const inTime = timeLimit(config.models.load_timeout_ms);
    this.#refuseStopped();
    const opened = await inTime(openModel(found, config, verbose), `verifying ${found.dir}`);
    this.#refuseStopped();
    const incoming = this.#create(opened);
    await inTime(incoming.pool.warm, `loading ${found.dir}`).catch(async (error: unknown) => {
      await incoming.pool.stop();
      this.#living.delete(incoming);
      throw error;
    });
    this.#refuseStopped();
    return incoming;
  }

  #refuseStopped(): void {
    if (!this.#stopped) return;
    throw new AppError('not_ready', 'the server is stopping and loads no bundle', {
      retryAfter: 1,
    });
  }

  #create(opened: OpenedModel): Generation {
    const generation = new Generation(opened, {
      ...this.#options,
      state: () => this.state,
      lost: (lost) => {
        // Nothing of what was verified is left to run: better the new bundle than none.
        if (lost === this.#current) this.reload().catch(() => {});
      },
    });
    this.#living.add(generation);
    return generation;
  }
}

/** A model in the terms that its metrics are labelled with. */
export function metered({ name, version, precision, task }: ServedModel): MeteredModel {
  return { name, version, precision, axes: task.axes };
}
