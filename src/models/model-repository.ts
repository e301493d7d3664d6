import type { FoundBundle } from '../bundle/index.ts';
import { AppError, messageOf } from '../errors.ts';
import { takingTurns } from '../taking-turns.ts';
import { timeLimit } from '../time-limit.ts';
import { coreShares } from './core-shares.ts';
import { type HostOptions, ModelHost, metered } from './model-host.ts';
import { ModelHosts } from './model-hosts.ts';
import type { ModelSource } from './model-source.ts';
import type { OpenedModel } from './open-model.ts';
import { highest, type OpenedModels } from './open-models.ts';
import { type ServedModel, unknownModel } from './served-model.ts';
import { watchFolders } from './watch-bundle.ts';

export interface RepositoryOptions extends HostOptions {
  readonly source: ModelSource;
  /** The so many highest versions of a name are served; null: all. */
  readonly versions: number | null;
  /** Processor cores, for engines. */
  readonly cores: number;
}

/** Loads the models of a server as they come, change and go. */
export class ModelRepository {
  readonly hosts: ModelHosts;
  readonly #options: RepositoryOptions;
  /** A model is loaded by one at a time. */
  readonly #turns = new Map<string, () => Promise<ServedModel>>();
  /** Names that are to be loaded whether or not their files have changed. */
  readonly #asked = new Set<string>();

  /** Serves every model as it is on disk now. AppError of the first that failed; the others were reloaded. */
  readonly reload: () => Promise<ServedModel> = takingTurns(() => this.#reloadAll());

  constructor({ models, defaultName }: OpenedModels, options: RepositoryOptions) {
    this.#options = options;
    this.hosts = new ModelHosts(defaultName);
    const shares = coreShares(options.cores, isDefaultOf(models, defaultName));
    this.hosts.serve(
      ...models.map(({ found, opened }, i) => this.#host(found, opened, shares[i] ?? 1)),
    );
  }

  /**
   * Serves the versions of a model that are on disk now, new ones included; those that are gone are
   * served no longer if others are left. AppError, and the old ones are kept; `not_found` for an unknown name.
   */
  async load(name: string): Promise<ServedModel> {
    if (!(await this.#knows(name))) throw unknownModel(name, this.#servedNames);
    this.#asked.add(name);
    return this.#turnOf(name)();
  }

  /** Loads what changes on disk, as it changes; the function that it gives back ends it. */
  watch(): () => void {
    const { source } = this.#options;
    return watchFolders(() => source.folders(), {
      look: (folder) => source.fingerprint(folder),
      known: new Map(this.hosts.served.map(({ dir, fingerprint }) => [dir, fingerprint])),
      onUnreadable: (error) => {
        this.#notLoaded(this.hosts.default.current.model.name, { folder: source.dir }, error);
      },
      reload: async (folder) => {
        const name = source.nameOf(folder) ?? this.hosts.default.current.model.name;
        if (await this.#knows(name)) await this.#turnOf(name)();
      },
    });
  }

  get #servedNames(): string[] {
    return this.hosts.served.map(({ current }) => current.model.name);
  }

  /** Whether there is a model of this name: served, or put where models lie. */
  async #knows(name: string): Promise<boolean> {
    if (this.hosts.find(name)) return true;
    const names = await this.#options.source.names();
    return names.includes(name) && (await this.#bundlesOf(name)).length > 0;
  }

  async #bundlesOf(name: string): Promise<FoundBundle[]> {
    return this.#options.source.bundlesOf(name).catch((error: unknown) => {
      throw this.#notLoaded(name, { model: name }, error);
    });
  }

  #turnOf(name: string): () => Promise<ServedModel> {
    const turn = this.#turns.get(name) ?? takingTurns(() => this.#load(name));
    this.#turns.set(name, turn);
    return turn;
  }

  async #reloadAll(): Promise<ServedModel> {
    const failures: unknown[] = [];
    for (const name of new Set([...this.#servedNames, ...(await this.#options.source.names())])) {
      try {
        if (await this.#knows(name)) await this.load(name);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
    return this.hosts.default.current.model;
  }

  async #load(name: string): Promise<ServedModel> {
    const isAsked = this.#asked.delete(name);
    const found = await this.#bundlesOf(name);
    // Those of a folder that is gone are asked for all the same, and say that it is.
    const wanted = found.length > 0 ? highest(found, this.#options.versions) : undefined;
    let served: ServedModel | undefined;
    for (const one of wanted ?? []) served = await this.#serve(one, isAsked);
    for (const host of this.hosts.of(name)) {
      if (!wanted) await host.reload();
      else if (!wanted.some((one) => one.dir === host.dir)) this.#retire(host);
    }
    return served ?? this.hosts.default.current.model;
  }

  /** Loads a bundle in the place of the one from its folder, or as a new one. */
  async #serve(found: FoundBundle, isAsked: boolean): Promise<ServedModel> {
    const host = this.hosts.served.find((one) => one.dir === found.dir);
    if (!host) return this.#add(found);
    if (isAsked || (await this.#options.source.fingerprint(found.dir)) !== host.fingerprint)
      return host.reload();
    return host.current.model;
  }

  async #add(found: FoundBundle): Promise<ServedModel> {
    const { open, loadTimeoutMs, cores, logger, metrics } = this.#options;
    const inTime = timeLimit(loadTimeoutMs);
    try {
      const opened = await inTime(open(found), `verifying ${found.dir}`);
      const [share = 1] = coreShares(cores, [false, ...this.hosts.served.map(() => false)]);
      await this.#warmUp(this.#host(found, opened, share), inTime);
      const { name: model, version, precision } = opened.model;
      metrics.modelServed(metered(opened.model));
      metrics.reloaded(model, 'success');
      logger.info('a model was loaded', { model, version, precision });
      return opened.model;
    } catch (error) {
      throw this.#notLoaded(found.name, { folder: found.dir }, error);
    }
  }

  /** Counts and logs an error that no host has logged. */
  #notLoaded(
    name: string | undefined,
    what: Readonly<Record<string, string>>,
    error: unknown,
  ): unknown {
    const reason = messageOf(error);
    if (name !== undefined) this.#options.metrics.reloaded(name, 'failure');
    this.#options.logger.error('the model was not loaded', { ...what, reason });
    return error;
  }

  /** Serves a new model once it has answered a warm-up. */
  async #warmUp(host: ModelHost, inTime: ReturnType<typeof timeLimit>): Promise<void> {
    this.hosts.putAside(host);
    try {
      if (this.hosts.isStopped) throw new AppError('not_ready', 'the server is stopping');
      await inTime(host.current.warm, `loading ${host.dir}`);
      this.hosts.serve(host);
    } catch (error) {
      await host.stop();
      this.hosts.forget(host);
      throw host.about(error);
    }
  }

  /** Requests that it has are answered. */
  #retire(host: ModelHost): void {
    const { model } = host.current;
    this.hosts.putAside(host);
    this.#options.metrics.modelGone(metered(model));
    this.#options.logger.info('a version is served no longer', {
      model: model.name,
      version: model.version,
    });
    void host.retire().then(() => this.hosts.forget(host));
  }

  #host(found: FoundBundle, opened: OpenedModel, engines: number): ModelHost {
    const context = {
      engines,
      models: () => this.hosts.statuses(),
      reload: (name: string) => this.load(name),
    };
    return new ModelHost(found, opened, context, this.#options);
  }
}

/** Of each model whether it is the default one: the highest version of that name. */
function isDefaultOf(models: OpenedModels['models'], defaultName: string): boolean[] {
  const nameOf = (i: number) => models[i]?.opened.model.name;
  return models.map((_, i) => nameOf(i) === defaultName && nameOf(i + 1) !== defaultName);
}
