import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { ResultCache } from './cache/index.ts';
import type { Config } from './config/index.ts';
import { availableCores } from './engine/index.ts';
import { AppError } from './errors.ts';
import { createHttpServer, type HttpServer, listen, modelInUrl } from './http/index.ts';
import {
  type ModelHosts,
  ModelRepository,
  metered,
  type OpenedModels,
  openModel,
  openModels,
  type ServedModel,
} from './models/index.ts';
import { rejections } from './scheduler/index.ts';
import { openAccess } from './security/index.ts';
import { type ServerParts, ServingInstance } from './serving-instance.ts';
import {
  type Logger,
  Metrics,
  openPredictionLog,
  openTracing,
  type Probes,
} from './telemetry/index.ts';

export interface ServerOptions {
  readonly config: Config;
  /** A bundle, or a folder of bundles. */
  readonly modelDir: string;
  readonly logger: Logger;
  /** Lets the runtime's own warnings through. */
  readonly verbose?: boolean;
}

export interface RunningServer {
  /** For a browser or curl on this machine. */
  readonly url: string;
  readonly port: number;
  /** The one that is served now, by default. */
  readonly model: ServedModel;
  /** All that are served now. */
  readonly models: readonly ServedModel[];
  /** Process ids of the engines that are up, or of those of one model. */
  readonly workers: (name?: string) => number[];
  /** Serves what is on disk now. AppError where it cannot be: the old model is served on. */
  reload(): Promise<ServedModel>;
  /** Not ready at once; serves for `server.drain_delay_ms` more, finishes what was accepted, ends. */
  stop(): Promise<void>;
}

/** Even without a drain delay: answers in flight tell their clients to reconnect elsewhere. */
const LEAST_DRAIN_MS = 100;

/** How long connections that still send a request are waited for when the server stops. */
const UPLOAD_GRACE_MS = 3_000;

/**
 * Verifies the bundle or bundles, listens, loads the models, and resolves once all have answered a warm-up.
 * AppError `bundle_missing`, `bundle_invalid`, `device_unavailable`, `port_unavailable`, ….
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { config, logger, modelDir, verbose = false } = options;
  const access = openAccess(config, logger);
  const predictionLog = openPredictionLog(config, logger);
  const tracing = await openTracing(config, logger);
  const opened = await openModels(modelDir, config, { logger, verbose });
  const metrics = metricsOf(opened);
  const lifecycle = { draining: false };
  const repository = openRepository(opened, options, () => lifecycle.draining, {
    metrics,
    logger,
    access,
    ...(predictionLog ? { predictionLog } : {}),
    ...(tracing ? { tracing } : {}),
    ...(config.cache.max_entries > 0 ? { cache: new ResultCache(config.cache.max_entries) } : {}),
  });
  const { hosts } = repository;
  attach(metrics, hosts, {
    keysReloads: () => access.keys?.reloads,
    predictionsLost: () => predictionLog?.lost ?? 0,
    spansLost: () => tracing?.lost ?? 0,
  });
  const http = createHttpServer(
    (request, response) => {
      hosts.named(modelInUrl(request.url ?? '')).current.handle(request, response);
    },
    { metrics },
  );
  const { host: address } = config.server;
  try {
    const port = await listen(http.server, address, config.server.port);
    await hosts.ready(config.models.load_timeout_ms);
    const unwatch = config.server.watch ? repository.watch() : () => {};
    return {
      url: urlOf(address, port),
      port,
      get model() {
        return hosts.default.current.model;
      },
      get models() {
        return hosts.served.map(({ current }) => current.model);
      },
      workers: (name) => workersOf(hosts, name),
      reload: repository.reload,
      stop: () => {
        lifecycle.draining = true;
        unwatch();
        access.keys?.close();
        return stop(http, hosts, config.server.drain_delay_ms)
          .then(() => Promise.all([predictionLog?.close(), tracing?.close()]))
          .then(() => {});
      },
    };
  } catch (error) {
    http.server.close();
    http.server.closeAllConnections();
    await hosts.stop();
    access.keys?.close();
    await Promise.all([predictionLog?.close(), tracing?.close()]);
    throw error;
  }
}

/** The models, each of which is served by an instance that shares `parts` with the others. */
function openRepository(
  opened: OpenedModels,
  { config, logger, verbose = false }: ServerOptions,
  isDraining: () => boolean,
  parts: ServerParts,
): ModelRepository {
  return new ModelRepository(opened, {
    source: opened.source,
    versions: config.models.versions,
    loadTimeoutMs: config.models.load_timeout_ms,
    cores: availableCores(),
    open: (found) => openModel(found, config, verbose),
    createInstance: (model, context) => new ServingInstance(model, context, parts),
    metrics: parts.metrics,
    logger,
    isDraining,
  });
}

function metricsOf({ models, defaultName, isFolder }: OpenedModels): Metrics {
  const [first, ...others] = models
    .map(({ opened }) => metered(opened.model))
    .sort((a, b) => Number(b.name === defaultName) - Number(a.name === defaultName));
  if (!first) throw new AppError('internal', 'there is no model');
  const metrics = new Metrics({
    model: first,
    rejections,
    nodeDefaults: true,
    perModel: isFolder,
  });
  for (const model of others) metrics.modelServed(model);
  return metrics;
}

function attach(
  metrics: Metrics,
  hosts: ModelHosts,
  totals: Pick<Probes, 'keysReloads' | 'predictionsLost' | 'spansLost'>,
): void {
  metrics.attach({
    ...totals,
    queueDepth: () => hosts.queueDepth,
    workersUp: () => hosts.served.reduce((sum, { current }) => sum + current.enginesUp, 0),
    workerMemory: () => hosts.memoryBytes,
    drift: () => hosts.default.current.drift,
    models: () =>
      hosts.served.map(({ current: { model, enginesUp, drift }, queueDepth, memoryBytes }) => ({
        name: model.name,
        version: model.version,
        workersUp: enginesUp,
        workerMemory: memoryBytes,
        queueDepth,
        drift,
      })),
  });
}

function workersOf({ served }: ModelHosts, name?: string): number[] {
  return served.flatMap(({ current: { model, processIds } }) =>
    name === undefined || model.name === name ? processIds : [],
  );
}

async function stop(http: HttpServer, hosts: ModelHosts, delayMs: number) {
  const { server } = http;
  http.drain();
  await sleep(Math.max(delayMs, LEAST_DRAIN_MS));
  const closed = once(server, 'close');
  await http.stopListening();
  await hosts.drained();
  server.closeIdleConnections();
  await Promise.race([closed, sleep(UPLOAD_GRACE_MS, undefined, { ref: false })]);
  hosts.close();
  await hosts.drained();
  server.closeAllConnections();
  await Promise.all([closed, hosts.stop()]);
}

function urlOf(host: string, port: number): string {
  const isAny = host === '0.0.0.0' || host === '::';
  const name = isAny ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${port}`;
}
