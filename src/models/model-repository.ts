import { join } from 'node:path';
import { bundlesOf, type FoundBundle, foldersIn, listFolders } from '../bundle/index.ts';
import { availableCores } from '../engine/index.ts';
import { AppError, messageOf } from '../errors.ts';
import { type ServedModel, unknownModel } from '../http/index.ts';
import { takingTurns } from '../taking-turns.ts';
import { timeLimit } from '../time-limit.ts';
import { coreShares } from './core-shares.ts';
import { type HostOptions, ModelHost, metered } from './model-host.ts';
import { ModelHosts } from './model-hosts.ts';
import { highest, type OpenedModels } from './open-models.ts';
import { naming, type OpenedModel, openModel } from './served-model.ts';
import { fingerprint, watchFolders } from './watch-bundle.ts';

export interface RepositoryOptions
  extends Omit<HostOptions, 'found' | 'reload' | 'models' | 'workers'> {
  /** The bundle, or the folder of bundles. */
  readonly dir: string;
}

/** Loads the models of a server: one bundle, or those of a folder, as they come, change and go. */
export class ModelRepository {
  readonly hosts: ModelHosts;
  readonly #options: RepositoryOptions;
  /** A model is loaded by one at a time. */
  readonly #turns = new Map<string, () => Promise<ServedModel>>();
  /** Names that are to be loaded whether or not their files have changed. */
  readonly #asked = new Set<string>();

  /** Serves every model as it is on disk now. AppError of the first that failed; the others were reloaded. */
  readonly reload: () => Promise<ServedModel> = takingTurns(() => this.#reloadAll());

  constructor(opened: OpenedModels, options: RepositoryOptions) {
    const { models, isFolder, defaultName } = opened;
    this.#options = options;
    this.hosts = new ModelHosts(opened);
    const shares = isFolder ? sharesOf(models, defaultName) : [ONE_FOR_EACH_CORE];
    this.hosts.serve(
      ...models.map(({ found, opened }, i) => this.#host(found, opened, shares[i] ?? 1)),
    );
  }

  /**
   * Serves the versions of a model that are on disk now, new ones included; those that are gone are
   * served no longer if others are left. AppError, and the old ones are kept; `not_found` for an unknown name.
   */
  async load(name: string): Promise<ServedModel> {
    if (!(await this.#knows(name))) {
      throw unknownModel(
        name,
        this.hosts.served.map(({ current }) => current.model.name),
      );
    }
    this.#asked.add(name);
    return this.#turnOf(name)();
  }

  /** Loads what changes on disk, as it changes; the function that it gives back ends it. */
  watch(): () => void {
    const { dir } = this.#options;
    if (!this.hosts.isFolder) {
      const known = new Map([[dir, this.hosts.default.current.fingerprint]]);
      return watchFolders(() => Promise.resolve([dir]), { known, reload: this.reload });
    }
    const folders = async () => (await listFolders(dir)).map((name) => join(dir, name));
    const nameOf = (folder: string) => folder.slice(join(dir, '/').length);
    return watchFolders(folders, {
      known: new Map(),
      onUnreadable: (error) => {
        this.#notLoaded(this.hosts.default.current.model.name, { folder: dir }, error);
      },
      reload: async (folder) => {
        if (await this.#knows(nameOf(folder))) await this.#turnOf(nameOf(folder))();
      },
    });
  }

  /** Whether there is a model of this name: served, or put into the folder. */
  async #knows(name: string): Promise<boolean> {
    if (this.hosts.find(name)) return true;
    return this.hosts.isFolder && (await this.#bundlesOf(name)).length > 0;
  }

  async #bundlesOf(name: string): Promise<FoundBundle[]> {
    return bundlesOf(this.#options.dir, name).catch((error: unknown) => {
      throw this.#notLoaded(name, { model: name }, error);
    });
  }

  #turnOf(name: string): () => Promise<ServedModel> {
    const turn = this.#turns.get(name) ?? takingTurns(() => this.#load(name));
    this.#turns.set(name, turn);
    return turn;
  }

  async #reloadAll(): Promise<ServedModel> {
    if (!this.hosts.isFolder) return this.hosts.default.reload();
    const served = this.hosts.served.map(({ current }) => current.model.name);
    const failures: unknown[] = [];
    for (const name of new Set([...served, ...(await foldersIn(this.#options.dir))])) {
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
    if (!this.hosts.isFolder) return this.hosts.default.reload();
    const isAsked = this.#asked.delete(name);
    const { versions } = this.#options.config.models;
    const found = await this.#bundlesOf(name);
    // Those of a folder that is gone are asked for all the same, and say that it is.
    const wanted = found.length > 0 ? highest(found, versions) : undefined;
    for (const one of wanted ?? []) await this.#serve(one, isAsked);
    for (const host of this.hosts.of(name)) {
      if (!wanted) await host.reload();
      else if (!wanted.some((one) => one.dir === host.dir)) this.#retire(host);
    }
    return (this.hosts.find(name) ?? this.hosts.default).current.model;
  }

  /** Loads a bundle in the place of the one from its folder, or as a new one. */
  async #serve(found: FoundBundle, isAsked: boolean): Promise<void> {
    const host = this.hosts.served.find((one) => one.dir === found.dir);
    if (!host) return this.#add(found);
    if (isAsked || (await fingerprint(found.dir)) !== host.current.fingerprint) await host.reload();
  }

  async #add(found: FoundBundle): Promise<void> {
    const { config, verbose, logger, metrics } = this.#options;
    const inTime = timeLimit(config.models.load_timeout_ms);
    try {
      const opened = await inTime(openModel(found, config, verbose), `verifying ${found.dir}`);
      const [share = 1] = coreShares(availableCores(), [
        false,
        ...this.hosts.served.map(() => false),
      ]);
      await this.#warmUp(this.#host(found, opened, share), inTime);
      const { name: model, version, precision } = opened.model;
      metrics.modelServed(metered(opened.model));
      metrics.reloaded(model, 'success');
      logger.info('a model was loaded', { model, version, precision });
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
      await inTime(host.current.pool.warm, `loading ${host.dir}`);
      this.hosts.serve(host);
    } catch (error) {
      await host.stop();
      this.hosts.forget(host);
      throw naming(host.dir, error);
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

  #host(found: FoundBundle, opened: OpenedModel, share: number): ModelHost {
    return new ModelHost(opened, {
      ...this.#options,
      found,
      workers: () => share,
      models: () => this.hosts.statuses(),
      reload: (name) => this.load(name),
    });
  }
}

/** What an engine pool makes one process for each core of. */
const ONE_FOR_EACH_CORE = 0;

function sharesOf(models: OpenedModels['models'], defaultName: string): number[] {
  const isDefault = models.map(
    ({ opened }, i) =>
      opened.model.name === defaultName && models[i + 1]?.opened.model.name !== defaultName,
  );
  return coreShares(availableCores(), isDefault);
}
