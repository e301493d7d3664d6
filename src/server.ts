import { setTimeout as sleep } from 'node:timers/promises';
import { type Bundle, readBundle } from './bundle/index.ts';
import type { Config } from './config/index.ts';
import { EnginePool } from './engine/index.ts';
import {
  type AppDeps,
  acceptWaiting,
  createApp,
  createHttpServer,
  listen,
  type ServedModel,
  type ServerState,
} from './http/index.ts';
import { rejections, Scheduler } from './scheduler/index.ts';
import { openAccess } from './security/index.ts';
import { describeModel } from './served-model.ts';
import { type Logger, Metrics, openPredictionLog } from './telemetry/index.ts';

export interface ServerOptions {
  readonly config: Config;
  readonly modelDir: string;
  readonly logger: Logger;
  /** Lets the runtime's own warnings through. */
  readonly verbose?: boolean;
}

export interface RunningServer {
  /** For a browser or curl on this machine. */
  readonly url: string;
  readonly port: number;
  readonly model: ServedModel;
  /** Process ids of the engines that are up. */
  readonly workers: () => number[];
  /** Not ready at once; serves for `server.drain_delay_ms` more, finishes what was accepted, ends. */
  stop(): Promise<void>;
}

/** Even without a drain delay: answers in flight tell their clients to reconnect elsewhere. */
const LEAST_DRAIN_MS = 100;

/** How long connections that still send a request are waited for when the server stops. */
const UPLOAD_GRACE_MS = 3_000;

/**
 * Verifies the bundle, listens, loads the model, and resolves once it has answered a warm-up.
 * AppError `bundle_missing`, `bundle_invalid`, `device_unavailable`, `port_unavailable`, ….
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { config, logger, modelDir } = options;
  const access = openAccess(config, logger);
  const predictionLog = openPredictionLog(config, logger);
  const bundle = await readBundle(modelDir);
  const { spec, model } = describeModel(bundle, config, options.verbose);
  const metrics = metricsOf(model, bundle, config);
  const lifecycle = { draining: false, warm: false };
  const pool = new EnginePool({
    spec,
    size: config.server.workers,
    observer: {
      loaded: (seconds) => metrics.modelLoaded(seconds),
      restarted: (reason, delay_ms) => {
        metrics.workerRestarted();
        logger.warn('an inference process ended and is started again', { reason, delay_ms });
      },
    },
  });
  const scheduler = new Scheduler({
    engines: pool,
    maxDepth: config.queue.max_depth,
    observer: {
      scored: (text) => metrics.textScored(text),
      rejected: (reason) => metrics.requestRejected(reason),
    },
  });
  metrics.attach({ queueDepth: () => scheduler.depth, workersUp: () => pool.up });
  const deps: AppDeps = {
    model,
    scheduler,
    metrics,
    logger,
    limits: limitsOf(config),
    access,
    ...(predictionLog ? { predictionLog } : {}),
    state: () => stateOf(lifecycle, pool),
    workersUp: () => pool.up,
  };
  const { server: http, drain } = createHttpServer(createApp(deps), deps);
  try {
    const port = await listen(http, config.server.host, config.server.port);
    await pool.ready;
    lifecycle.warm = true;
    return {
      url: urlOf(config.server.host, port),
      port,
      model,
      workers: () => pool.pids,
      stop: async () => {
        lifecycle.draining = true;
        access.keys?.close();
        drain();
        await sleep(Math.max(config.server.drain_delay_ms, LEAST_DRAIN_MS));
        await acceptWaiting(http);
        const closed = new Promise<void>((resolve) => http.close(() => resolve()));
        await scheduler.drained();
        http.closeIdleConnections();
        await Promise.race([closed, sleep(UPLOAD_GRACE_MS, undefined, { ref: false })]);
        scheduler.close();
        await scheduler.drained();
        http.closeAllConnections();
        await Promise.all([closed, pool.stop(), predictionLog?.close()]);
      },
    };
  } catch (error) {
    http.close();
    http.closeAllConnections();
    await pool.stop();
    throw error;
  }
}

function metricsOf(model: ServedModel, { manifest }: Bundle, { drift }: Config): Metrics {
  const metered = { ...model, axes: model.task.axes };
  const metrics = new Metrics({ model: metered, rejections, nodeDefaults: true });
  metrics.watchDrift(manifest.reference, metered.axes, drift.window);
  return metrics;
}

interface Lifecycle {
  readonly draining: boolean;
  readonly warm: boolean;
}

function stateOf({ draining, warm }: Lifecycle, pool: EnginePool): ServerState {
  if (draining) return 'draining';
  if (pool.up > 0) return 'ok';
  return warm ? 'unavailable' : 'starting';
}

function limitsOf({ limits, queue }: Config): AppDeps['limits'] {
  return {
    maxBodyBytes: limits.max_body_bytes,
    maxTexts: limits.max_texts,
    maxWindows: limits.max_windows,
    maxDepth: queue.max_depth,
    timeoutMs: queue.timeout_ms,
  };
}

function urlOf(host: string, port: number): string {
  const isAny = host === '0.0.0.0' || host === '::';
  const name = isAny ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${port}`;
}
