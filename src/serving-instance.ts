import type { RequestListener } from 'node:http';
import type { ResultCache } from './cache/index.ts';
import type { Config } from './config/index.ts';
import { EnginePool, isOnCpu } from './engine/index.ts';
import { type AppDeps, createApp } from './http/index.ts';
import type {
  InstanceContext,
  Limits,
  ModelInstance,
  OpenedModel,
  ServedModel,
} from './models/index.ts';
import { Scheduler } from './scheduler/index.ts';
import { type Logger, type Metrics, ModelDrift, type Tracing } from './telemetry/index.ts';

/** What the instances of all models of a server share. */
export interface ServerParts {
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly access: NonNullable<AppDeps['access']>;
  readonly predictionLog?: NonNullable<AppDeps['predictionLog']>;
  readonly tracing?: Tracing;
  /** Of all models together. */
  readonly cache?: ResultCache;
}

/** A model with engine processes, a queue and an Express application of its own. */
export class ServingInstance implements ModelInstance {
  readonly model: ServedModel;
  readonly limits: Limits;
  readonly drift: ModelDrift;
  readonly #pool: EnginePool;
  readonly #scheduler: Scheduler;
  readonly #app: RequestListener;
  #requests = 0;
  #onIdle: () => void = () => {};

  constructor(opened: OpenedModel, context: InstanceContext, parts: ServerParts) {
    const { model, config, bundle } = opened;
    this.model = model;
    this.limits = limitsOf(config);
    this.drift = new ModelDrift(bundle.manifest.reference, model.task.axes, config.drift.window);
    this.#pool = this.#startEngines(opened, context, parts);
    this.#scheduler = this.#openQueue(opened, parts);
    const { state, models, reload } = context;
    const { metrics, logger, access, predictionLog, tracing, cache } = parts;
    this.#app = createApp({
      model,
      metrics,
      logger,
      access,
      models,
      reload,
      scheduler: this.#scheduler,
      limits: this.limits,
      drift: this.drift,
      state,
      workersUp: () => this.enginesUp,
      ...(predictionLog ? { predictionLog } : {}),
      ...(tracing ? { tracing } : {}),
      ...(cache ? { cache: cache.of(identityOf(opened)) } : {}),
    });
  }

  get ready(): Promise<void> {
    return this.#pool.ready;
  }

  get warm(): Promise<void> {
    return this.#pool.warm;
  }

  get enginesUp(): number {
    return this.#pool.up;
  }

  get processIds(): readonly number[] {
    return this.#pool.pids;
  }

  get isCrashLooping(): boolean {
    return this.#pool.isCrashLooping;
  }

  get queueDepth(): number {
    return this.#scheduler.depth;
  }

  get memoryBytes(): number {
    return this.#pool.memoryBytes;
  }

  readonly handle: RequestListener = (request, response) => {
    this.#requests += 1;
    response.on('close', () => {
      this.#requests -= 1;
      if (this.#requests === 0) this.#onIdle();
    });
    this.#app(request, response);
  };

  close(): void {
    this.#scheduler.close();
  }

  drained(): Promise<void> {
    return this.#scheduler.drained();
  }

  async retire(): Promise<void> {
    if (this.#requests > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    await this.#scheduler.drained();
    await this.#pool.stop();
  }

  stop(): Promise<void> {
    return this.#pool.stop();
  }

  #startEngines(
    { spec, config }: OpenedModel,
    { engines, onLost }: InstanceContext,
    { metrics, logger }: ServerParts,
  ): EnginePool {
    const pool = new EnginePool({
      spec,
      size: config.server.workers || (isOnCpu(spec) ? engines : 0),
      stallMs: config.server.stall_timeout_ms,
      observer: {
        loaded: (seconds) => metrics.modelLoaded(seconds),
        restarted: (reason, delay_ms) => {
          metrics.workerRestarted();
          logger.warn('an inference process ended and is started again', { reason, delay_ms });
        },
        refused: () => {
          if (pool.up === 0) onLost();
        },
      },
    });
    return pool;
  }

  #openQueue({ spec, config }: OpenedModel, { metrics }: ServerParts): Scheduler {
    return new Scheduler({
      engines: this.#pool,
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
