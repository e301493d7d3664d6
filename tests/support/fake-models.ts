import type { FoundBundle } from '../../src/bundle/index.ts';
import { compareVersions } from '../../src/bundle/index.ts';
import { AppError } from '../../src/errors.ts';
import type { InstanceContext, ModelInstance, OpenedModel } from '../../src/models/index.ts';
import type { ModelSource } from '../../src/models/model-source.ts';

/** What a bundle on the fake disk holds: it cannot be read, or its engines never answer a warm-up. */
export type Content = 'unreadable' | 'cold' | `good ${number}`;

/** A folder of models without files. */
export class FakeDisk implements ModelSource {
  readonly dir = '/models';
  /** By folder: `/models/<name>/<version>`. */
  readonly bundles = new Map<string, Content>();

  folderOf(name: string, version: string): string {
    return `${this.dir}/${name}/${version}`;
  }

  async names(): Promise<string[]> {
    return [...new Set([...this.bundles.keys()].map((dir) => dir.split('/')[2] ?? ''))];
  }

  async bundlesOf(name: string): Promise<FoundBundle[]> {
    return this.found().filter((one) => one.name === name);
  }

  async folders(): Promise<string[]> {
    return (await this.names()).map((name) => `${this.dir}/${name}`);
  }

  nameOf(folder: string): string {
    return folder.split('/')[2] ?? '';
  }

  async fingerprint(folder: string): Promise<string> {
    const below = [...this.bundles].filter(([dir]) => `${dir}/`.startsWith(`${folder}/`));
    return JSON.stringify(below.sort());
  }

  /** All, by name, versions from the lowest to the highest. */
  found(): Required<FoundBundle>[] {
    return [...this.bundles.keys()]
      .map((dir) => {
        const [, , name = '', version = ''] = dir.split('/');
        return { dir, name, version };
      })
      .sort((a, b) =>
        a.name === b.name ? compareVersions(a.version, b.version) : a.name < b.name ? -1 : 1,
      );
  }

  readonly open = async ({ dir, name = '', version = '' }: FoundBundle): Promise<OpenedModel> => {
    const content = this.bundles.get(dir);
    if (content === undefined) throw new AppError('bundle_missing', 'there is no bundle');
    if (content === 'unreadable') throw new AppError('bundle_invalid', 'it cannot be read');
    return {
      fingerprint: await this.fingerprint(dir),
      model: { name, version, precision: content, task: { axes: [] } },
    } as unknown as OpenedModel;
  };
}

/** An instance without engines, of which everything can be seen. */
export class FakeInstance {
  readonly model: ModelInstance['model'];
  readonly context: InstanceContext;
  readonly ready: Promise<void>;
  readonly warm: Promise<void>;
  enginesUp = 1;
  isCrashLooping = false;
  queueDepth = 0;
  readonly memoryBytes = 1000;
  readonly limits = {};
  /** Requests that are not answered yet. */
  requests = 0;
  readonly events: string[] = [];
  #onIdle: () => void = () => {};

  constructor({ model }: OpenedModel, context: InstanceContext, loads: Promise<void>) {
    this.model = model;
    this.context = context;
    this.ready = loads;
    this.warm = loads;
    loads.catch(() => {
      this.enginesUp = 0;
    });
  }

  begin(): void {
    if (this.isGone) throw new Error('a request came to an instance whose engines are gone');
    this.requests += 1;
  }

  finish(): void {
    this.requests -= 1;
    if (this.requests === 0) this.#onIdle();
  }

  get isGone(): boolean {
    return this.events.includes('stop');
  }

  close(): void {
    this.events.push('close');
  }

  async drained(): Promise<void> {
    if (this.requests === 0) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
  }

  async retire(): Promise<void> {
    this.events.push('retire');
    await this.drained();
    await this.stop();
  }

  async stop(): Promise<void> {
    this.events.push('stop');
    this.enginesUp = 0;
  }
}

/** Makes instances; those of a `cold` bundle never answer a warm-up. */
export class FakeInstances {
  readonly made: FakeInstance[] = [];
  /** Called before an instance has loaded: what happens meanwhile. */
  meanwhile: () => Promise<void> = async () => {};

  readonly create = (opened: OpenedModel, context: InstanceContext): ModelInstance => {
    const isCold = opened.model.precision === 'cold';
    const loads = Promise.resolve()
      .then(() => this.meanwhile())
      .then(() => {
        if (isCold) throw new AppError('engine_failed', 'no engine answers a warm-up');
      });
    loads.catch(() => {});
    const instance = new FakeInstance(opened, context, loads);
    this.made.push(instance);
    return instance as unknown as ModelInstance;
  };

  /** Those whose engines run. */
  get living(): FakeInstance[] {
    return this.made.filter(({ isGone }) => !isGone);
  }
}
