import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect } from '@jest/globals';
import { openPredictionLog, openTracing } from '../../../src/telemetry/index.ts';
import { keyFile } from '../../support/api-keys.ts';
import { otlpReceiver } from '../../support/otlp-receiver.ts';
import { quietLogger } from '../../support/quiet-logger.ts';
import { serveProcess } from '../../support/serve-process.ts';
import { writeToneBundle } from '../../support/tone-bundle.ts';
import { until } from '../../support/until.ts';
import { once, type Row } from './row.ts';
import { serving } from './serving.ts';

const { serve, load, at, write } = serving();

const bundle = once(() => writeToneBundle(at('tone'), 1));
const ORIGIN = 'https://page.example';

const collector = once(() => otlpReceiver());

const open = once(async () => {
  await bundle();
  // Spans leave at once, not after some seconds.
  process.env.OTEL_BSP_SCHEDULE_DELAY = '10';
  return serve(
    'tone',
    ...['security.rate_limit=2', 'security.rate_burst=3', 'security.trusted_proxies=1'],
    ...[`security.cors_origins=["${ORIGIN}"]`, `prediction_log.file=${at('predictions.jsonl')}`],
    ...['prediction_log.text=keep', `telemetry.traces.endpoint=${(await collector()).url}`],
    ...['telemetry.traces.service_name=mood', 'telemetry.traces.headers=["x-tenant=blue"]'],
  );
});

/** Asks as a client behind a proxy. */
const askAs = async (client: string) => {
  const { post } = await open();
  return post('/predict', { text: 'a text to log' }, { 'x-forwarded-for': client });
};

/** Four requests at once of one client. */
const hurried = once(async () => {
  const answers = [];
  for (let i = 0; i < 4; i++) answers.push(await askAs('203.0.113.7'));
  return answers;
});

/** Logs so many predictions, one after the other, with some settings; the lines of the file. */
async function logged(name: string, count: number, ...words: string[]): Promise<string[]> {
  const file = at(name, 'log.jsonl');
  const log = openPredictionLog(load(`prediction_log.file=${file}`, ...words), quietLogger);
  const dimensions = [{ dimension: 'tone', label: 'kind', score: 0.75 }];
  const model = { name: 'tone', version: '1' };
  for (let i = 0; i < count; i++) {
    log?.record(model, undefined, { text: `text ${i}`, dimensions, tokens: 4 });
    // Each on a line that is written before the next: files are put aside between two.
    if (count > 4) await until(() => asideOf(name).length > 0 || existsSync(file));
  }
  await log?.close();
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').filter(Boolean) : [];
}

const asideOf = (name: string): string[] =>
  existsSync(at(name)) ? readdirSync(at(name)).filter((file) => file !== 'log.jsonl') : [];

const stamped = (days: number): string =>
  new Date(Date.now() - days * 86_400_000).toISOString().replace(/[:.]/g, '-');

/** Sends the span of one request to a collector with some settings. */
async function traced(...words: string[]) {
  const receiver = await otlpReceiver();
  const config = load(`telemetry.traces.endpoint=${receiver.url}`, ...words);
  const tracing = await openTracing(config, quietLogger, {});
  tracing?.begin({ method: 'GET', path: '/info', scheme: 'http' }).end({ status: 200 });
  await tracing?.close();
  return receiver;
}

/** The collector of the server, once it has the span of a request. */
const named = once(async () => {
  await (await open()).get('/info');
  const receiver = await collector();
  await until(() => receiver.spans.some(({ name }) => name === 'GET /info'), 5_000);
  return receiver;
});

/** The server as users start it, its log for a person and with all that it has: probes too. */
const talking = once(async () => {
  await bundle();
  const words = ['log.level=debug', 'log.format=pretty', '--workers', '1'];
  const { url, output } = await serveProcess('--model', at('tone'), ...words);
  await fetch(`${url}/health/live`);
  return output;
});

/** Who may ask, and what is kept of it. */
export const accessRows: readonly Row[] = [
  {
    key: 'security.api_keys_file',
    effect: 'asks for one of its keys',
    see: async () => {
      await bundle();
      const file = write('keys.json', keyFile({ reader: ['predict'] }));
      const { post } = await serve('tone', `security.api_keys_file=${file}`);
      const text = { text: 'who may ask this' };
      expect((await post('/predict', text)).status).toBe(401);
      const headers = { authorization: 'Bearer reader' };
      expect((await post('/predict', text, headers)).status).toBe(200);
    },
  },
  {
    key: 'security.rate_burst',
    effect: 'is how many requests may come at once',
    see: async () => {
      expect((await hurried()).map(({ status }) => status)).toEqual([200, 200, 200, 429]);
    },
  },
  {
    key: 'security.rate_limit',
    effect: 'is how many may come in a minute: with two, the next one in half of it',
    see: async () => {
      const wait = Number((await hurried()).at(-1)?.headers.get('retry-after'));
      expect(wait).toBeGreaterThan(15);
      expect(wait).toBeLessThanOrEqual(30);
    },
  },
  {
    key: 'security.trusted_proxies',
    effect: 'tells clients behind a proxy apart by the header that it sends',
    see: async () => {
      await hurried();
      expect((await askAs('203.0.113.7')).status).toBe(429);
      expect((await askAs('203.0.113.8')).status).toBe(200);
    },
  },
  {
    key: 'security.cors_origins',
    effect: 'lets the pages of these origins read answers, and of no others',
    see: async () => {
      const { post } = await open();
      const allowed = async (origin: string) =>
        (await post('/predict', {}, { origin })).headers.get('access-control-allow-origin');
      expect(await allowed(ORIGIN)).toBe(ORIGIN);
      expect(await allowed('https://other.example')).toBeNull();
    },
  },
  {
    key: 'prediction_log.file',
    effect: 'is the file that a line of each prediction is written to',
    see: async () => {
      await hurried();
      await until(() => existsSync(at('predictions.jsonl')));
      await until(() => readFileSync(at('predictions.jsonl'), 'utf8').includes('\n'));
      const [line = ''] = readFileSync(at('predictions.jsonl'), 'utf8').split('\n');
      expect(JSON.parse(line)).toMatchObject({ model: { name: 'tone' }, labels: {} });
    },
  },
  {
    key: 'prediction_log.text',
    effect: 'keeps a text, or its hash alone',
    see: async () => {
      const [kept = ''] = await logged('kept', 1, 'prediction_log.text=keep');
      expect(JSON.parse(kept).text).toBe('text 0');
      const [hashed = ''] = await logged('hashed', 1, 'prediction_log.text=hash');
      expect(hashed).not.toContain('text 0');
      expect(JSON.parse(hashed).text_sha256).toMatch(/^[0-9a-f]{64}$/);
    },
  },
  {
    key: 'prediction_log.sample',
    effect: 'is the part of the texts that is logged',
    see: async () => {
      expect(await logged('none', 4, 'prediction_log.sample=0')).toEqual([]);
      expect(await logged('all', 4, 'prediction_log.sample=1')).toHaveLength(4);
    },
  },
  {
    key: 'prediction_log.max_bytes',
    effect: 'puts a file aside that would be longer',
    see: async () => {
      const lines = await logged('split', 30, 'prediction_log.max_bytes=1000');
      expect(asideOf('split').length).toBeGreaterThan(2);
      expect(lines.join('\n').length).toBeLessThanOrEqual(1000);
    },
  },
  {
    key: 'prediction_log.keep_files',
    effect: 'is how many of those put aside are kept',
    see: async () => {
      const words = ['prediction_log.max_bytes=1000', 'prediction_log.keep_files=1'];
      await logged('few', 30, ...words);
      expect(asideOf('few')).toHaveLength(1);
    },
  },
  {
    key: 'prediction_log.keep_days',
    effect: 'is the age at which one put aside is removed',
    see: async () => {
      const [old, young] = [stamped(3), stamped(1)];
      for (const stamp of [old, young]) write(`aged/log.jsonl.${stamp}`, '{}\n');
      await logged('aged', 1, 'prediction_log.keep_days=2');
      expect(asideOf('aged')).toEqual([`log.jsonl.${young}`]);
    },
  },
  {
    key: 'telemetry.traces.endpoint',
    effect: 'is the URL that spans are sent to',
    see: async () => {
      const { spans, requests } = await named();
      expect(spans.map(({ name }) => name)).toContain('GET /info');
      expect(requests[0]?.path).toBe('POST /v1/traces');
    },
  },
  {
    key: 'telemetry.traces.service_name',
    effect: 'is what spans call the server',
    see: async () => {
      expect((await named()).spans[0]?.resource).toMatchObject({ 'service.name': 'mood' });
    },
  },
  {
    key: 'telemetry.traces.headers',
    effect: 'go with every export',
    see: async () => expect((await named()).requests[0]?.headers['x-tenant']).toBe('blue'),
  },
  {
    key: 'telemetry.traces.sample_ratio',
    effect: 'is the part of the traces that is sent',
    see: async () => {
      expect((await traced('telemetry.traces.sample_ratio=0')).requests).toEqual([]);
      expect((await traced('telemetry.traces.sample_ratio=1')).requests).toHaveLength(1);
    },
  },
  {
    key: 'log.format',
    effect: 'is how lines are written: for a person, where they would be JSON',
    see: async () => {
      const output = await talking();
      expect(output()).toMatch(/^\d\d:\d\d:\d\d info {2}serving .* on http/m);
    },
  },
  {
    key: 'log.level',
    effect: 'is the least important kind of line that is written',
    see: async () => {
      const output = await talking();
      await until(() => /^\d\d:\d\d:\d\d debug /m.test(output()));
    },
  },
];
