import { compareVersions } from '../bundle/index.ts';
import { AppError } from '../errors.ts';
import { startLimit } from '../time-limit.ts';
import type { ModelHost } from './model-host.ts';
import type { ModelStatus } from './served-model.ts';

/**
 * The models that are served, and which request is whose. Each has engines, a queue and an application
 * of its own, so that what befalls one leaves the others alone.
 */
export class ModelHosts {
  readonly #defaultName: string;
  /** By name and version, the highest last. */
  #served: readonly ModelHost[] = [];
  /** Those that are loading for the first time, and those that finish their requests. */
  readonly #others = new Set<ModelHost>();
  #stopped = false;

  constructor(defaultName: string) {
    this.#defaultName = defaultName;
  }

  get served(): readonly ModelHost[] {
    return this.#served;
  }

  /** No more are to be loaded. */
  get isStopped(): boolean {
    return this.#stopped;
  }

  /** The model that requests are of which name none. */
  get default(): ModelHost {
    // A model alone may have another name after a reload.
    const host = this.find(this.#defaultName) ?? (this.#served.length === 1 && this.#served[0]);
    if (!host) throw new AppError('internal', 'the default model is gone');
    return host;
  }

  /** Texts that wait, for whichever model. */
  get queueDepth(): number {
    return this.#all.reduce((sum, { queueDepth }) => sum + queueDepth, 0);
  }

  /** Resident bytes of all engines. */
  get memoryBytes(): number {
    return this.#all.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
  }

  /** The model that a request is of which names one, or none. */
  named({ name, version }: { name?: string; version?: string } = {}): ModelHost {
    const host = name === undefined ? undefined : (this.find(name, version) ?? this.find(name));
    return host ?? this.default;
  }

  /** The highest version of a name, or the one that is asked for. */
  find(name: string, version?: string): ModelHost | undefined {
    return this.of(name).findLast(
      ({ current }) => version === undefined || current.model.version === version,
    );
  }

  /** All versions of a name, the highest last. */
  of(name: string): ModelHost[] {
    return this.#served.filter(({ current }) => current.model.name === name);
  }

  statuses(): ModelStatus[] {
    return this.#served.map((host) => ({ ...host.status, isDefault: host === this.default }));
  }

  /** Requests come to it from now on. */
  serve(...hosts: readonly ModelHost[]): void {
    for (const host of hosts) this.#others.delete(host);
    this.#served = [...this.#served, ...hosts].sort(byNameAndVersion);
  }

  /** No request comes to it, but it has engines. */
  putAside(host: ModelHost): void {
    this.#served = this.#served.filter((one) => one !== host);
    this.#others.add(host);
  }

  /** It has no engines any more. */
  forget(host: ModelHost): void {
    this.#others.delete(host);
  }

  /** Resolves once every model has answered a warm-up. AppError of one that never will, or that takes too long. */
  async ready(limitMs: number): Promise<void> {
    const inTime = startLimit(limitMs);
    const all = this.#served.map((host) =>
      inTime(host.current.ready, `loading ${host.dir}`).catch((error: unknown) => {
        throw host.about(error);
      }),
    );
    await Promise.all(all);
  }

  /** Resolves once nothing that was admitted is left. */
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
    return [...this.#served, ...this.#others];
  }
}

function byNameAndVersion({ current: a }: ModelHost, { current: b }: ModelHost): number {
  if (a.model.name !== b.model.name) return a.model.name < b.model.name ? -1 : 1;
  return compareVersions(a.model.version, b.model.version);
}
