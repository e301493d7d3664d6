import { Gauge, type Registry } from 'prom-client';
import type { ModelDrift } from './drift/model-drift.ts';

/** One of several models, as it is at a scrape. */
export interface ModelProbe {
  readonly name: string;
  readonly version: string;
  readonly queueDepth: number;
  readonly workersUp: number;
  readonly workerMemory: number;
  readonly drift: Pick<ModelDrift, 'size' | 'psi'>;
}

/** What a server of several models says of each; the metrics without a model are of all, or of the default. */
export class ModelGauges {
  readonly #workersUp: Gauge<'name' | 'version'>;
  readonly #workerMemory: Gauge<'name' | 'version'>;
  readonly #queueDepth: Gauge<'name' | 'version'>;
  readonly #driftPsi: Gauge<'name' | 'version' | 'feature'>;
  readonly #driftWindow: Gauge<'name' | 'version'>;

  constructor(registry: Registry) {
    const gauge = <T extends string>(name: string, help: string, ...labelNames: T[]) =>
      new Gauge({ name: `mbti_model_${name}`, help, labelNames, registers: [registry] });
    this.#workersUp = gauge('worker_up', 'Inference processes of a model', 'name', 'version');
    this.#workerMemory = gauge('worker_memory_bytes', 'Their resident memory', 'name', 'version');
    this.#queueDepth = gauge('queue_depth', 'Texts that wait for a model', 'name', 'version');
    this.#driftPsi = gauge('drift_psi', 'As drift_psi, of a model', 'name', 'version', 'feature');
    this.#driftWindow = gauge('drift_window_size', 'Its texts', 'name', 'version');
  }

  get #all(): Pick<Gauge, 'reset'>[] {
    const ofWorkers = [this.#workersUp, this.#workerMemory, this.#queueDepth];
    return [...ofWorkers, this.#driftPsi, this.#driftWindow];
  }

  /** Shows these models and no others. */
  set(models: readonly ModelProbe[]): void {
    for (const gauge of this.#all) gauge.reset();
    for (const { name, version, workersUp, workerMemory, queueDepth, drift } of models) {
      this.#workersUp.set({ name, version }, workersUp);
      this.#workerMemory.set({ name, version }, workerMemory);
      this.#queueDepth.set({ name, version }, queueDepth);
      this.#driftWindow.set({ name, version }, drift.size);
      for (const [feature, value] of Object.entries(drift.psi())) {
        this.#driftPsi.set({ name, version, feature }, value);
      }
    }
  }
}
