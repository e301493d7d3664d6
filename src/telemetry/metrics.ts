import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Reference } from '../bundle/index.ts';
import { DriftWindow } from './drift/drift-window.ts';
import { type ObservedText, textFeatures } from './drift/features.ts';
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

/** The metrics of one server; all of them are there, with zeros, from the first scrape. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #table = metricTable(this.#registry);
  readonly #zeroed = new Set<string>();
  #probes: Probes | undefined;
  #drift: DriftWindow | undefined;

  constructor(options: MetricsOptions) {
    if (options.nodeDefaults) collectDefaultMetrics({ register: this.#registry });
    this.#zeroModel(options.model);
    this.declareRejections(options.rejections);
    for (const phase of phases) this.#table.phaseDuration.zero({ phase });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Where the gauges are read from at a scrape. */
  attach(probes: Probes): void {
    this.#probes = probes;
  }

  /** Measures drift anew, against a model's reference and over so many texts; without one it stays 0. */
  watchDrift(
    reference: Reference | undefined,
    axes: MeteredModel['axes'],
    windowSize: number,
  ): void {
    this.#drift = reference && new DriftWindow(reference, axes, windowSize);
    this.#table.driftPsi.reset();
    this.#zeroDrift(axes);
  }

  /** The text exposition format. */
  exposition(): Promise<string> {
    this.#table.queueDepth.set(this.#probes?.queueDepth() ?? 0);
    this.#table.workersUp.set(this.#probes?.workersUp() ?? 0);
    this.#setDrift();
    return this.#registry.metrics();
  }

  /** Makes the reasons for turning requests away appear with zeros. */
  declareRejections(reasons: readonly string[]): void {
    for (const reason of reasons) this.#table.queueRejected.inc({ reason }, 0);
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

  textScored(
    text: ObservedText & {
      readonly tokenizeMs: number;
      readonly queueMs: number;
      readonly computeMs: number;
    },
  ): void {
    this.#drift?.observe(text);
    this.#table.phaseDuration.observe({ phase: 'tokenize' }, text.tokenizeMs / 1000);
    this.#table.phaseDuration.observe({ phase: 'queue' }, text.queueMs / 1000);
    this.#table.phaseDuration.observe({ phase: 'compute' }, text.computeMs / 1000);
    this.#table.batchSize.observe(1);
    this.#table.batchTokens.observe(text.tokens);
  }

  /** Texts of one request: those that the cache knew, and how many it did not know. */
  textsRecalled(known: readonly ObservedText[], unknown: number): void {
    for (const text of known) this.#drift?.observe(text);
    this.#table.cacheHits.inc(known.length);
    this.#table.cacheMisses.inc(unknown);
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

  #setDrift(): void {
    this.#table.driftWindow.set(this.#drift?.size ?? 0);
    for (const [feature, value] of Object.entries(this.#drift?.psi() ?? {})) {
      this.#table.driftPsi.set({ feature }, value);
    }
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
    this.#zeroDrift(axes);
  }

  #zeroDrift(axes: MeteredModel['axes']): void {
    const features = [...axes.map((axis) => axis.name), ...textFeatures];
    for (const feature of features) this.#table.driftPsi.set({ feature }, 0);
  }
}
