import type { RequestListener } from 'node:http';
import type { ResultCache } from '../cache/index.ts';
import type { Config } from '../config/index.ts';
import { EnginePool, isOnCpu } from '../engine/index.ts';
import { type AppDeps, createApp, type Limits, type ServedModel } from '../http/index.ts';
import { Scheduler } from '../scheduler/index.ts';
import { type Logger, type Metrics, ModelDrift, type Tracing } from '../telemetry/index.ts';
import type { OpenedModel } from './served-model.ts';

/** What all generations share. */
export interface ServerParts {
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly access: NonNullable<AppDeps['access']>;
  readonly predictionLog?: NonNullable<AppDeps['predictionLog']>;
  readonly tracing?: Tracing;
  /** Of all models together. */
  readonly cache?: ResultCache;
  readonly reload: AppDeps['reload'];
  readonly state: AppDeps['state'];
  readonly models: NonNullable<AppDeps['models']>;
  /** Engines on the CPU of a model that has no number of its own; 0: one for each core. */
  readonly workers: () => number;
  /** Engines of this generation cannot be started again, as its bundle is not there any more. */
  readonly lost: (generation: Generation) => void;
}

/**
 * A verified bundle with the engines, the queue and the application that serve it. A request stays
 * with the generation that it came to, so that everything it is told is of one model.
 */
export class Generation {
  readonly model: ServedModel;
  readonly pool: EnginePool;
  readonly scheduler: Scheduler;
  readonly limits: Limits;
  readonly drift: ModelDrift;
  /** Of its folder, from before it was read. */
  readonly fingerprint: string;
  readonly #app: RequestListener;
  #requests = 0;
  #onIdle: () => void = () => {};

  constructor({ spec, model, config, bundle, fingerprint }: OpenedModel, parts: ServerParts) {
    const { metrics, logger, reload, state, models, access, predictionLog } = parts;
    const { tracing, cache } = parts;
    const { reference } = bundle.manifest;
    this.model = model;
    this.fingerprint = fingerprint;
    this.limits = limitsOf(config);
    this.drift = new ModelDrift(reference, model.task.axes, config.drift.window);
    this.pool = new EnginePool({
      spec,
      size: config.server.workers || (isOnCpu(spec) ? parts.workers() : 0),
      stallMs: config.server.stall_timeout_ms,
      observer: {
        loaded: (seconds) => metrics.modelLoaded(seconds),
        restarted: (reason, delay_ms) => {
          metrics.workerRestarted();
          logger.warn('an inference process ended and is started again', { reason, delay_ms });
        },
        refused: () => {
          if (this.pool.up === 0) parts.lost(this);
        },
      },
    });
    this.scheduler = new Scheduler({
      engines: this.pool,
      maxDepth: config.queue.max_depth,
      maxTokens: config.queue.max_tokens,
      windows: spec,
      observer: {
        scored: (text) => {
          this.drift.observe(text);
          metrics.textScored(text);
        },
        rejected: (reason) => metrics.requestRejected(reason),
      },
    });
    this.#app = createApp({
      model,
      scheduler: this.scheduler,
      metrics,
      logger,
      limits: this.limits,
      access,
      ...(predictionLog ? { predictionLog } : {}),
      ...(tracing ? { tracing } : {}),
      drift: this.drift,
      ...(cache ? { cache: cache.of(identityOf({ spec, model })) } : {}),
      state,
      models,
      reload,
      workersUp: () => this.pool.up,
    });
  }

  /** Answers a request that the server has received. */
  readonly handle: RequestListener = (request, response) => {
    this.#requests += 1;
    response.on('close', () => {
      this.#requests -= 1;
      if (this.#requests === 0) this.#onIdle();
    });
    this.#app(request, response);
  };

  /** Once no new request comes to it: resolves when its last one is answered and its engines are gone. */
  async retire(): Promise<void> {
    if (this.#requests > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    await this.scheduler.drained();
    await this.pool.stop();
  }
}

/** All that the results of a model depend on: what it is called and how it is read, and its files. */
function identityOf({ spec, model }: Pick<OpenedModel, 'spec' | 'model'>): string {
  return JSON.stringify([model, spec.maxWindows, spec.files.map(({ sha256 }) => sha256)]);
}

function limitsOf({ limits, queue }: Config): Limits {
  return {
    maxBodyBytes: limits.max_body_bytes,
    maxTexts: limits.max_texts,
    maxWindows: limits.max_windows,
    maxDepth: queue.max_depth,
    timeoutMs: queue.timeout_ms,
  };
}
