import { setTimeout as sleep } from 'node:timers/promises';
import { ResultCache } from './cache/index.ts';
import type { Config } from './config/index.ts';
import {
  type AppDeps,
  acceptWaiting,
  createHttpServer,
  type HttpServer,
  listen,
  type ServedModel,
  type ServerState,
} from './http/index.ts';
import { ModelHost } from './model-host.ts';
import { rejections } from './scheduler/index.ts';
import { openAccess } from './security/index.ts';
import { type OpenedModel, openModel } from './served-model.ts';
import { type Logger, Metrics, openPredictionLog, openTracing } from './telemetry/index.ts';
import { fingerprint, watchBundle } from './watch-bundle.ts';

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
  /** The one that is served now. */
  readonly model: ServedModel;
  /** Process ids of the engines that are up. */
  readonly workers: () => number[];
  /** Serves the bundle as it is on disk now. AppError where it cannot be: the old one is served on. */
  reload(): Promise<ServedModel>;
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
  const { config, logger, modelDir, verbose = false } = options;
  const access = openAccess(config, logger);
  const predictionLog = openPredictionLog(config, logger);
  const tracing = await openTracing(config, logger);
  const known = await fingerprint(modelDir);
  const opened = await openModel(modelDir, config, verbose);
  const metrics = metricsOf(opened, config);
  const lifecycle = { draining: false, warm: false };
  const host: ModelHost = new ModelHost(opened, {
    config,
    metrics,
    logger,
    modelDir,
    verbose,
    limits: limitsOf(config),
    access,
    ...(predictionLog ? { predictionLog } : {}),
    ...(tracing ? { tracing } : {}),
    ...(config.cache.max_entries > 0 ? { cache: new ResultCache(config.cache.max_entries) } : {}),
    state: () => stateOf(lifecycle, host),
  });
  metrics.attach({ queueDepth: () => host.depth, workersUp: () => host.current.pool.up });
  const http = createHttpServer((request, response) => host.current.handle(request, response), {
    metrics,
  });
  const { host: address } = config.server;
  try {
    const port = await listen(http.server, address, config.server.port);
    await host.current.pool.ready;
    lifecycle.warm = true;
    const reload = () => host.reload();
    const unwatch = config.server.watch ? watchBundle(modelDir, { known, reload }) : () => {};
    return {
      url: urlOf(address, port),
      port,
      get model() {
        return host.current.model;
      },
      workers: () => host.current.pool.pids,
      reload,
      stop: () => {
        lifecycle.draining = true;
        unwatch();
        access.keys?.close();
        return stop(http, host, config.server.drain_delay_ms)
          .then(() => Promise.all([predictionLog?.close(), tracing?.close()]))
          .then(() => {});
      },
    };
  } catch (error) {
    http.server.close();
    http.server.closeAllConnections();
    await host.stop();
    await tracing?.close();
    throw error;
  }
}

function metricsOf({ model, bundle }: OpenedModel, { drift }: Config): Metrics {
  const metered = { ...model, axes: model.task.axes };
  const metrics = new Metrics({ model: metered, rejections, nodeDefaults: true });
  metrics.watchDrift(bundle.manifest.reference, metered.axes, drift.window);
  return metrics;
}

async function stop({ server, drain }: HttpServer, host: ModelHost, delayMs: number) {
  drain();
  await sleep(Math.max(delayMs, LEAST_DRAIN_MS));
  await acceptWaiting(server);
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  await host.drained();
  server.closeIdleConnections();
  await Promise.race([closed, sleep(UPLOAD_GRACE_MS, undefined, { ref: false })]);
  host.close();
  await host.drained();
  server.closeAllConnections();
  await Promise.all([closed, host.stop()]);
}

interface Lifecycle {
  readonly draining: boolean;
  readonly warm: boolean;
}

function stateOf({ draining, warm }: Lifecycle, { current: { pool } }: ModelHost): ServerState {
  if (draining) return 'draining';
  if (pool.isCrashLooping) return 'unavailable';
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
