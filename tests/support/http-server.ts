import { PassThrough } from 'node:stream';
import { afterEach } from '@jest/globals';
import { type AppDeps, createApp, createHttpServer, listen } from '../../src/http/index.ts';
import { unknownModel } from '../../src/models/index.ts';
import { rejections, Scheduler } from '../../src/scheduler/index.ts';
import { createLogger, Metrics } from '../../src/telemetry/index.ts';
import { FakeEngines } from './fake-engines.ts';
import { mbtiTask } from './tiny-bundle.ts';

export interface TestServerOptions
  extends Partial<Pick<AppDeps, 'model' | 'models' | 'limits' | 'access' | 'predictionLog'>> {
  readonly engines?: number;
  readonly timeouts?: Parameters<typeof createHttpServer>[2];
}

export const testModel: AppDeps['model'] = {
  name: 'tiny',
  version: 'abc',
  precision: 'fp32',
  maxLength: 64,
  task: mbtiTask,
};

const opened: (() => void)[] = [];
afterEach(() => {
  for (const close of opened.splice(0)) close();
});

/** A listening server over fake engines, closed after the test. */
export async function testServer({ engines = 2, timeouts, ...options }: TestServerOptions = {}) {
  const fakes = new FakeEngines(engines, (options.model ?? testModel).task.axes.length);
  fakes.auto = true;
  const limits = {
    maxBodyBytes: 10_000,
    maxTexts: 4,
    maxWindows: 32,
    maxDepth: 4,
    timeoutMs: 10_000,
    ...options.limits,
  };
  const model = options.model ?? testModel;
  const metrics = new Metrics({ model: { ...model, axes: model.task.axes }, rejections });
  const scheduler = new Scheduler({
    engines: fakes,
    maxDepth: limits.maxDepth,
    observer: {
      scored: (text) => metrics.textScored(text),
      rejected: (reason) => metrics.requestRejected(reason),
    },
  });
  metrics.attach({ queueDepth: () => scheduler.depth, workersUp: () => fakes.up });
  const log = new PassThrough();
  const logged: string[] = [];
  log.on('data', (line: Buffer) => logged.push(line.toString()));
  const lifecycle: { state: ReturnType<AppDeps['state']> } = { state: 'ok' };
  const deps: AppDeps = {
    model,
    scheduler,
    metrics,
    logger: createLogger({ level: 'debug', format: 'json', stream: log }),
    limits,
    ...(options.models ? { models: options.models } : {}),
    ...(options.access ? { access: options.access } : {}),
    ...(options.predictionLog ? { predictionLog: options.predictionLog } : {}),
    state: () => lifecycle.state,
    reload: (name) =>
      name === model.name
        ? Promise.resolve(model)
        : Promise.reject(unknownModel(name, [model.name])),
    workersUp: () => fakes.up,
  };
  const { server, drain, stopListening } = createHttpServer(createApp(deps), deps, timeouts);
  const port = await listen(server, '127.0.0.1', 0);
  opened.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return {
    server,
    drain,
    stopListening,
    port,
    url: `http://127.0.0.1:${port}`,
    fakes,
    scheduler,
    metrics,
    lifecycle,
    logged,
  };
}
