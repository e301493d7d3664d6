import { PassThrough } from 'node:stream';
import { afterEach } from '@jest/globals';
import { loadConfig } from '../../src/config/index.ts';
import { type RunningServer, startServer } from '../../src/server.ts';
import { createLogger } from '../../src/telemetry/index.ts';

const open: RunningServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.stop()));
  for (const name of Object.keys(process.env)) {
    if (name.startsWith('OTEL_')) delete process.env[name];
  }
});

/** A server whose spans leave at once, and its log; stopped after the test, when OTEL_ variables go too. */
export async function tracedServer(bundle: string, ...overrides: string[]) {
  process.env.OTEL_BSP_SCHEDULE_DELAY ??= '10';
  const fixed = ['server.port=0', 'server.host=127.0.0.1', 'server.workers=1'];
  const { config } = loadConfig({ overrides: [...fixed, ...overrides], env: {} });
  const stream = new PassThrough();
  const lines: Record<string, unknown>[] = [];
  stream.on('data', (line: Buffer) => lines.push(JSON.parse(line.toString())));
  const logger = createLogger({ level: 'debug', format: 'json', stream });
  const server = await startServer({ config, modelDir: bundle, logger });
  open.push(server);
  const stop = () => {
    open.splice(open.indexOf(server), 1);
    return server.stop();
  };
  return { server, lines, stop };
}

/** The setting that sends traces to a URL. */
export const endpoint = (url: string) => `telemetry.traces.endpoint=${url}`;

/** Posts JSON; resolves once the answer is read. */
export async function post(
  url: string,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number; readonly traceparent: readonly string[] }> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  await answer.arrayBuffer();
  return {
    status: answer.status,
    traceparent: answer.headers.get('traceparent')?.split('-') ?? [],
  };
}
