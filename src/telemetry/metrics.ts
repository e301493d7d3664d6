import { collectDefaultMetrics, Registry } from 'prom-client';
import { installedVersion, packageVersion } from '../package-root.ts';
import type { ObservedText } from './drift/features.ts';
import { type ModelDrift, noDrift } from './drift/model-drift.ts';
import { metricTable, type Outcome, outcomes, phases } from './metric-table.ts';
import { ModelGauges, type ModelProbe } from './model-gauges.ts';

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
  /** Says of every model what it says of all, or of the default one. */
  readonly perModel?: boolean;
}

/** Read at every scrape. */
export interface Probes {
  readonly queueDepth: () => number;
  readonly workersUp: () => number;
  /** Bytes that the inference processes hold. */
  readonly workerMemory?: () => number;
  /** Totals that their owners count from before there are metrics. */
  readonly keysReloads?: () => Readonly<Record<Outcome, number>> | undefined;
  readonly predictionsLost?: () => number;
  readonly spansLost?: () => number;
  /** Of the default model. */
  readonly drift?: () => Pick<ModelDrift, 'size' | 'psi'>;
  /** With `perModel`: every model. */
  readonly models?: () => readonly ModelProbe[];
}

/** The metrics of one server; all of them are there, with zeros, from the first scrape. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #table = metricTable(this.#registry);
  readonly #zeroed = new Set<string>();
  #probes: Probes | undefined;
  readonly #perModel: ModelGauges | undefined;

  constructor(options: MetricsOptions) {
    if (options.nodeDefaults) collectDefaultMetrics({ register: this.#registry });
    this.#table.buildInfo.set(
      {
        version: packageVersion,
        node: process.versions.node,
        onnxruntime: installedVersion('onnxruntime-node') ?? 'none',
      },
      1,
    );
    if (options.perModel) this.#perModel = new ModelGauges(this.#registry);
    this.#setDrift(noDrift(options.model.axes), 0);
    this.modelServed(options.model);
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

  /** The text exposition format. */
  exposition(): Promise<string> {
    this.#table.queueDepth.set(this.#probes?.queueDepth() ?? 0);
    this.#table.workersUp.set(this.#probes?.workersUp() ?? 0);
    this.#table.workerMemory.set(this.#probes?.workerMemory?.() ?? 0);
    this.#setTotals(this.#probes);
    const drift = this.#probes?.drift?.();
    if (drift) this.#setDrift(drift.psi(), drift.size);
    this.#perModel?.set(this.#probes?.models?.() ?? []);
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
      readonly batches: readonly { readonly texts: number; readonly tokens: number }[];
    },
  ): void {
    this.#table.phaseDuration.observe({ phase: 'tokenize' }, text.tokenizeMs / 1000);
    this.#table.phaseDuration.observe({ phase: 'queue' }, text.queueMs / 1000);
    this.#table.phaseDuration.observe({ phase: 'compute' }, text.computeMs / 1000);
    for (const { texts, tokens } of text.batches) {
      this.#table.batchSize.observe(texts);
      this.#table.batchTokens.observe(tokens);
    }
  }

  /** Texts of one request: how many the cache knew, and how many it did not know. */
  textsRecalled(known: number, unknown: number): void {
    this.#table.cacheHits.inc(known);
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

  /** A model is served from now on, in the place of another where it has one; what was counted stays. */
  modelServed({ name, version, precision, axes }: MeteredModel, before?: MeteredModel): void {
    if (before) this.modelGone(before);
    this.#table.modelInfo.set({ name, version, precision }, 1);
    for (const outcome of outcomes) this.#table.reloads.inc({ model: name, outcome }, 0);
    for (const axis of axes) {
      this.#once(`axis ${axis.name}`, () => this.#table.confidence.zero({ axis: axis.name }));
      for (const label of axis.labels) this.#table.predictions.inc({ axis: axis.name, label }, 0);
    }
  }

  /** A model is served no longer. */
  modelGone({ name, version, precision }: MeteredModel): void {
    this.#table.modelInfo.remove({ name, version, precision });
  }

  modelLoaded(seconds: number): void {
    this.#table.modelLoad.set(seconds);
  }

  /** A bundle was loaded after the start, or was not; `model` is what it is or would be served as. */
  reloaded(model: string, outcome: Outcome): void {
    this.#table.reloads.inc({ model, outcome });
  }

  workerRestarted(): void {
    this.#table.workerRestarts.inc();
  }

  /** A counter is set by beginning it anew. */
  #setTotals(probes: Probes | undefined): void {
    const { keysReloads, predictionLogLost, spansLost } = this.#table;
    for (const counter of [keysReloads, predictionLogLost, spansLost]) counter.reset();
    const ofKeys = probes?.keysReloads?.();
    for (const outcome of outcomes) keysReloads.inc({ outcome }, ofKeys?.[outcome] ?? 0);
    predictionLogLost.inc(probes?.predictionsLost?.() ?? 0);
    spansLost.inc(probes?.spansLost?.() ?? 0);
  }

  #setDrift(psi: Readonly<Record<string, number>>, windowSize: number): void {
    this.#table.driftWindow.set(windowSize);
    this.#table.driftPsi.reset();
    for (const [feature, value] of Object.entries(psi))
      this.#table.driftPsi.set({ feature }, value);
  }

  /** Zeroing a histogram's labels takes back what was counted under them. */
  #once(labels: string, zero: () => void): void {
    if (this.#zeroed.has(labels)) return;
    this.#zeroed.add(labels);
    zero();
  }
}
