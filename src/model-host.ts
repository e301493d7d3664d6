import { AppError } from './errors.ts';
import { Generation, type ServerParts } from './generation.ts';
import type { ServedModel } from './http/index.ts';
import { type OpenedModel, openModel } from './served-model.ts';

export interface HostOptions extends Omit<ServerParts, 'reload' | 'lost'> {
  readonly modelDir: string;
  readonly verbose: boolean;
}

/** Holds the generation that is served, and puts a new one in its place. */
export class ModelHost {
  readonly #options: HostOptions;
  /** All whose engines run: the one that is served, one that is loading, those that finish their requests. */
  readonly #living = new Set<Generation>();
  #current: Generation;
  #running: Promise<unknown> = Promise.resolve();
  #next: Promise<ServedModel> | undefined;
  #stopped = false;

  constructor(opened: OpenedModel, options: HostOptions) {
    this.#options = options;
    this.#current = this.#create(opened);
  }

  get current(): Generation {
    return this.#current;
  }

  /** Texts that wait, for whichever generation. */
  get depth(): number {
    return [...this.#living].reduce((sum, { scheduler }) => sum + scheduler.depth, 0);
  }

  /**
   * Verifies the bundle's folder anew, loads it in new engines beside the old ones, and serves it
   * once all of them have answered a warm-up. One at a time; who asks while one is under way gets the
   * next one. AppError where that fails: the old model is served on, and the log says why.
   */
  reload(): Promise<ServedModel> {
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      const loading = this.#load();
      this.#running = loading.catch(() => {});
      return loading;
    });
    return this.#next;
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

  async #load(): Promise<ServedModel> {
    const { config, logger, metrics, modelDir, verbose } = this.#options;
    const before = this.#current;
    try {
      this.#refuseStopped();
      const opened = await openModel(modelDir, config, verbose);
      this.#refuseStopped();
      const incoming = this.#create(opened);
      await incoming.pool.warm.catch((error: unknown) => this.#end(incoming, error));
      this.#refuseStopped();
      this.#current = incoming;
      const { axes } = incoming.model.task;
      metrics.modelChanged({ ...incoming.model, axes });
      metrics.watchDrift(opened.bundle.manifest.reference, axes, config.drift.window);
      void before.retire().then(() => this.#living.delete(before));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      logger.error('the bundle was not reloaded: the old one is served on', { reason });
      throw error;
    }
    const { name, version, precision } = this.#current.model;
    logger.info('the bundle was reloaded', {
      model: name,
      version,
      precision,
      before: before.model.version,
    });
    return this.#current.model;
  }

  async #end(generation: Generation, error: unknown): Promise<never> {
    await generation.pool.stop();
    this.#living.delete(generation);
    throw error;
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
      reload: (name) => this.#reloadNamed(name),
      lost: (lost) => {
        // Nothing of what was verified is left to run: better the new bundle than none.
        if (lost === this.#current) this.reload().catch(() => {});
      },
    });
    this.#living.add(generation);
    return generation;
  }

  #reloadNamed(name: string): Promise<ServedModel> {
    if (name === this.#current.model.name) return this.reload();
    return Promise.reject(new AppError('not_found', 'there is no model of this name'));
  }
}
