import { collectDefaultMetrics, Registry } from 'prom-client';
import { metricTable, phases } from './metric-table.ts';

/** The model in the terms that its metrics are labelled with. */
export interface MeteredModel {
  readonly name: string;
  readonly version: string;
  readonly precision: string;
  readonly axes: readonly { readonly name: string; readonly labels: readonly string[] }[];
}

/** A combination of labels that is there, with zero, before the first such request. */
export interface MeteredRoute {
  readonly route: string;
  readonly methods: readonly string[];
  readonly statuses: readonly number[];
}

export interface MetricsOptions {
  readonly model: MeteredModel;
  readonly rejections: readonly string[];
  /** Adds Node's own metrics (memory, event loop, …). */
  readonly nodeDefaults?: boolean;
}

/** Read at every scrape. */
export interface Probes {
  readonly queueDepth: () => number;
  readonly workersUp: () => number;
}

/** Features beside the axes whose drift is watched. */
const textFeatures = ['text_length', 'unknown_rate'];

/** The metrics of one server; all of them are there, with zeros, from the first scrape. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #table = metricTable(this.#registry);
  readonly #zeroed = new Set<string>();
  #probes: Probes | undefined;

  constructor(options: MetricsOptions) {
    if (options.nodeDefaults) collectDefaultMetrics({ register: this.#registry });
    this.#zeroModel(options.model);
    for (const reason of options.rejections) this.#table.queueRejected.inc({ reason }, 0);
    for (const phase of phases) this.#table.phaseDuration.zero({ phase });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Where the gauges are read from at a scrape. */
  attach(probes: Probes): void {
    this.#probes = probes;
  }

  /** The text exposition format. */
  exposition(): Promise<string> {
    this.#table.queueDepth.set(this.#probes?.queueDepth() ?? 0);
    this.#table.workersUp.set(this.#probes?.workersUp() ?? 0);
    return this.#registry.metrics();
  }

  /** Makes the combinations of labels that are known beforehand appear with zeros. */
  declareRoutes(routes: readonly MeteredRoute[]): void {
    for (const { route, methods, statuses } of routes) {
      this.#once(`route ${route}`, () => this.#table.requestDuration.zero({ route }));
      for (const method of methods) {
        for (const status of statuses) this.#table.requests.inc({ route, method, status }, 0);
      }
    }
  }

  requestFinished(request: {
    readonly route: string;
    readonly method: string;
    readonly status: number;
    readonly seconds: number;
  }): void {
    const { route, method, status, seconds } = request;
    this.#table.requests.inc({ route, method, status });
    this.#table.requestDuration.observe({ route }, seconds);
  }

  requestRejected(reason: string): void {
    this.#table.queueRejected.inc({ reason });
  }

  textScored(text: {
    readonly tokens: number;
    readonly tokenizeMs: number;
    readonly queueMs: number;
    readonly computeMs: number;
  }): void {
    this.#table.phaseDuration.observe({ phase: 'tokenize' }, text.tokenizeMs / 1000);
    this.#table.phaseDuration.observe({ phase: 'queue' }, text.queueMs / 1000);
    this.#table.phaseDuration.observe({ phase: 'compute' }, text.computeMs / 1000);
    this.#table.batchSize.observe(1);
    this.#table.batchTokens.observe(text.tokens);
  }

  /** A prediction that was answered. */
  predicted(
    dimensions: readonly {
      readonly dimension: string;
      readonly label: string;
      readonly score: number;
    }[],
    usage: { readonly tokens: number; readonly truncated: boolean },
  ): void {
    this.#table.tokens.inc(usage.tokens);
    if (usage.truncated) this.#table.truncated.inc();
    for (const { dimension: axis, label, score } of dimensions) {
      this.#table.predictions.inc({ axis, label });
      this.#table.confidence.observe({ axis }, Math.max(score, 1 - score));
    }
  }

  /** Another model is served from now on; what was counted stays. */
  modelChanged(model: MeteredModel): void {
    this.#table.modelInfo.reset();
    this.#zeroModel(model);
  }

  modelLoaded(seconds: number): void {
    this.#table.modelLoad.set(seconds);
  }

  workerRestarted(): void {
    this.#table.workerRestarts.inc();
  }

  /** Zeroing a histogram's labels takes back what was counted under them. */
  #once(labels: string, zero: () => void): void {
    if (this.#zeroed.has(labels)) return;
    this.#zeroed.add(labels);
    zero();
  }

  #zeroModel({ name, version, precision, axes }: MeteredModel): void {
    this.#table.modelInfo.set({ name, version, precision }, 1);
    for (const axis of axes) {
      this.#once(`axis ${axis.name}`, () => this.#table.confidence.zero({ axis: axis.name }));
      for (const label of axis.labels) this.#table.predictions.inc({ axis: axis.name, label }, 0);
    }
    const features = [...axes.map((axis) => axis.name), ...textFeatures];
    for (const feature of features) this.#table.driftPsi.set({ feature }, 0);
  }
}
