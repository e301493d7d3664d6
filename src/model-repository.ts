import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { bundlesOf, compareVersions, type FoundBundle, foldersIn } from './bundle/index.ts';
import { coreShares } from './core-shares.ts';
import { availableCores } from './engine/index.ts';
import { AppError } from './errors.ts';
import { type ModelStatus, modelInUrl, type ServedModel, unknownModel } from './http/index.ts';
import { type HostOptions, ModelHost, metered } from './model-host.ts';
import { highest, type OpenedModels } from './open-models.ts';
import { naming, type OpenedModel, openModel } from './served-model.ts';
import { takingTurns } from './taking-turns.ts';
import { timeLimit } from './time-limit.ts';
import { fingerprint, watchFolders } from './watch-bundle.ts';

export interface RepositoryOptions
  extends Omit<HostOptions, 'found' | 'reload' | 'models' | 'workers'> {
  /** The bundle, or the folder of bundles. */
  readonly dir: string;
}

/**
 * The models of a server: one bundle, or those of a folder. Each has engines, a queue and an
 * application of its own, so that what befalls one leaves the others alone.
 */
export class ModelRepository {
  readonly #options: RepositoryOptions;
  readonly #isFolder: boolean;
  readonly #defaultName: string;
  /** By name and version, the highest last. */
  #hosts: ModelHost[] = [];
  /** Those that are loading for the first time, and those that finish their requests. */
  readonly #others = new Set<ModelHost>();
  /** A model is loaded by one at a time. */
  readonly #turns = new Map<string, () => Promise<ServedModel>>();
  /** Names that are to be loaded whether or not their files have changed. */
  readonly #asked = new Set<string>();
  #stopped = false;

  /** Serves every model as it is on disk now. AppError of the first that failed; the others were reloaded. */
  readonly reload: () => Promise<ServedModel> = takingTurns(() => this.#reloadAll());

  constructor({ models, defaultName, isFolder }: OpenedModels, options: RepositoryOptions) {
    this.#options = options;
    this.#isFolder = isFolder;
    this.#defaultName = defaultName;
    const shares = isFolder ? sharesOf(models, defaultName) : [ONE_FOR_EACH_CORE];
    this.#hosts = models.map(({ found, opened }, i) => this.#host(found, opened, shares[i] ?? 1));
  }

  /** The model that requests are of which name none. */
  get default(): ModelHost {
    // A bundle alone may have another name after a reload.
    const host = this.#isFolder ? this.#find(this.#defaultName) : this.#hosts[0];
    if (!host) throw new AppError('internal', 'the default model is gone');
    return host;
  }

  get hosts(): readonly ModelHost[] {
    return this.#hosts;
  }

  /** Texts that wait, for whichever model. */
  get depth(): number {
    return this.#all.reduce((sum, { depth }) => sum + depth, 0);
  }

  /** Answers a request by the application of the model that it names. */
  readonly handle: RequestListener = (request, response) => {
    const named = this.#isFolder ? modelInUrl(request.url ?? '') : undefined;
    const host = named && (this.#find(named.name, named.version) ?? this.#find(named.name));
    (host ?? this.default).current.handle(request, response);
  };

  statuses(): ModelStatus[] {
    return this.#hosts.map((host) => ({ ...host.status, isDefault: host === this.default }));
  }

  /** Resolves once every model has answered a warm-up. AppError of one that never will. */
  async ready(): Promise<void> {
    await Promise.all(
      this.#hosts.map(({ dir, current }) =>
        current.pool.ready.catch((error: unknown) => {
          throw this.#isFolder ? naming(dir, error) : error;
        }),
      ),
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
        this.#hosts.map(({ current }) => current.model.name),
      );
    }
    this.#asked.add(name);
    return this.#turnOf(name)();
  }

  /** Loads what changes on disk, as it changes; the function that it gives back ends it. */
  watch(): () => void {
    const { dir } = this.#options;
    if (!this.#isFolder) {
      const known = new Map([[dir, this.default.current.fingerprint]]);
      return watchFolders(() => Promise.resolve([dir]), { known, reload: this.reload });
    }
    const folders = async () => (await foldersIn(dir)).map((name) => join(dir, name));
    const nameOf = (folder: string) => folder.slice(join(dir, '/').length);
    return watchFolders(folders, {
      known: new Map(),
      reload: async (folder) => {
        if (await this.#knows(nameOf(folder))) await this.#turnOf(nameOf(folder))();
      },
    });
  }

  async drained(): Promise<void> {
    await Promise.all(this.#all.map((host) => host.drained()));
  }

  /** Takes no more work and loads no more bundles. */
  close(): void {
    this.#stopped = true;
    for (const host of this.#all) host.close();
  }

  /** Ends every engine. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#all.map((host) => host.stop()));
  }

  get #all(): ModelHost[] {
    return [...this.#hosts, ...this.#others];
  }

  #find(name: string, version?: string): ModelHost | undefined {
    return this.#of(name).findLast(
      ({ current }) => version === undefined || current.model.version === version,
    );
  }

  #of(name: string): ModelHost[] {
    return this.#hosts.filter(({ current }) => current.model.name === name);
  }

  /** Whether there is a model of this name: served, or put into the folder. */
  async #knows(name: string): Promise<boolean> {
    if (this.#find(name)) return true;
    return this.#isFolder && (await this.#bundlesOf(name)).length > 0;
  }

  async #bundlesOf(name: string): Promise<FoundBundle[]> {
    return bundlesOf(this.#options.dir, name).catch((error: unknown) => {
      throw this.#notLoaded({ model: name }, error);
    });
  }

  #turnOf(name: string): () => Promise<ServedModel> {
    const turn = this.#turns.get(name) ?? takingTurns(() => this.#load(name));
    this.#turns.set(name, turn);
    return turn;
  }

  async #reloadAll(): Promise<ServedModel> {
    if (!this.#isFolder) return this.default.reload();
    const served = this.#hosts.map(({ current }) => current.model.name);
    const failures: unknown[] = [];
    for (const name of new Set([...served, ...(await foldersIn(this.#options.dir))])) {
      try {
        if (await this.#knows(name)) await this.load(name);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
    return this.default.current.model;
  }

  async #load(name: string): Promise<ServedModel> {
    if (!this.#isFolder) return this.default.reload();
    const isAsked = this.#asked.delete(name);
    const { versions } = this.#options.config.models;
    const found = await this.#bundlesOf(name);
    // Those of a folder that is gone are asked for all the same, and say that it is.
    const wanted = found.length > 0 ? highest(found, versions) : undefined;
    for (const one of wanted ?? []) await this.#serve(one, isAsked);
    for (const host of this.#of(name)) {
      if (!wanted) await host.reload();
      else if (!wanted.some((one) => one.dir === host.dir)) this.#retire(host);
    }
    return (this.#find(name) ?? this.default).current.model;
  }

  /** Loads a bundle in the place of the one from its folder, or as a new one. */
  async #serve(found: FoundBundle, isAsked: boolean): Promise<void> {
    const host = this.#hosts.find((one) => one.dir === found.dir);
    if (!host) return this.#add(found);
    if (isAsked || (await fingerprint(found.dir)) !== host.current.fingerprint) await host.reload();
  }

  async #add(found: FoundBundle): Promise<void> {
    const { config, verbose, logger, metrics } = this.#options;
    const inTime = timeLimit(config.models.load_timeout_ms);
    try {
      const opened = await inTime(openModel(found, config, verbose), `verifying ${found.dir}`);
      const [share = 1] = coreShares(availableCores(), [false, ...this.#hosts.map(() => false)]);
      await this.#warmUp(this.#host(found, opened, share), inTime);
      const { name: model, version, precision } = opened.model;
      metrics.modelServed(metered(opened.model));
      logger.info('a model was loaded', { model, version, precision });
    } catch (error) {
      throw this.#notLoaded({ folder: found.dir }, error);
    }
  }

  /** Logs an error that no host has logged. */
  #notLoaded(what: Readonly<Record<string, string>>, error: unknown): unknown {
    const reason = error instanceof Error ? error.message : String(error);
    this.#options.logger.error('the model was not loaded', { ...what, reason });
    return error;
  }

  /** Serves a new model once it has answered a warm-up. */
  async #warmUp(host: ModelHost, inTime: ReturnType<typeof timeLimit>): Promise<void> {
    this.#others.add(host);
    try {
      if (this.#stopped) throw new AppError('not_ready', 'the server is stopping');
      await inTime(host.current.pool.warm, `loading ${host.dir}`);
      this.#hosts = [...this.#hosts, host].sort(byNameAndVersion);
    } catch (error) {
      await host.stop();
      throw naming(host.dir, error);
    } finally {
      this.#others.delete(host);
    }
  }

  /** Requests that it has are answered. */
  #retire(host: ModelHost): void {
    const { model } = host.current;
    this.#hosts = this.#hosts.filter((one) => one !== host);
    this.#others.add(host);
    this.#options.metrics.modelGone(metered(model));
    this.#options.logger.info('a version is served no longer: its folder is gone', {
      model: model.name,
      version: model.version,
    });
    void host.retire().then(() => this.#others.delete(host));
  }

  #host(found: FoundBundle, opened: OpenedModel, share: number): ModelHost {
    return new ModelHost(opened, {
      ...this.#options,
      found,
      workers: () => share,
      models: () => this.statuses(),
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

function byNameAndVersion({ current: a }: ModelHost, { current: b }: ModelHost): number {
  if (a.model.name !== b.model.name) return a.model.name < b.model.name ? -1 : 1;
  return compareVersions(a.model.version, b.model.version);
}
