import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { packageRoot, packageVersion } from '../../src/package-root.ts';
import { keyFile } from '../support/api-keys.ts';
import { samples } from '../support/exposition.ts';
import { otlpReceiver } from '../support/otlp-receiver.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { writeTinyBundle } from '../support/tiny-bundle.ts';
import { endpoint, post, tracedServer } from '../support/traced-server.ts';
import { until } from '../support/until.ts';

const folder = temporaryFolder();
const bundle = join(folder.path, 'mbti');
const text = 'a quiet evening in the garden, and many plans for a long warm day';

beforeAll(() => writeTinyBundle(bundle, { version: 'v1' }));

async function metricsOf({ url }: { readonly url: string }): Promise<Map<string, number>> {
  return samples(await (await fetch(`${url}/metrics`)).text());
}

const reloads = (outcome: string) => `mbti_reloads_total{model="tiny",outcome="${outcome}"}`;
const keysReloads = (outcome: string) => `mbti_api_keys_reloads_total{outcome="${outcome}"}`;
const counters = [
  ...[reloads('success'), reloads('failure'), keysReloads('success'), keysReloads('failure')],
  ...['mbti_prediction_log_lost_total', 'mbti_spans_lost_total'],
];

describe('what goes wrong behind the answers', () => {
  // One test, since keys are looked at every two seconds: all else happens meanwhile.
  it('is counted from 0 on: refused bundles and key files, lost lines and spans', async () => {
    const keys = folder.write('keys.json', keyFile({ reader: ['predict'] }));
    const { url } = await otlpReceiver((response) => {
      response.statusCode = 400;
      response.end();
    });
    const log = join(folder.path, 'predictions.jsonl');
    const damaged = join(folder.path, 'damaged');
    await writeTinyBundle(damaged, { version: 'v1' });
    const { server, lines } = await tracedServer(
      damaged,
      endpoint(url),
      `security.api_keys_file=${keys}`,
      `prediction_log.file=${log}`,
    );
    const predict = () =>
      post(`${server.url}/predict`, { text }, { authorization: 'Bearer reader' });
    const first = await metricsOf(server);
    for (const counter of counters) expect([counter, first.get(counter)]).toEqual([counter, 0]);

    renameSync(keys, `${keys}.old`);
    mkdirSync(keys);
    await server.reload();
    appendFileSync(join(damaged, 'onnx/model.onnx'), 'x');
    await expect(server.reload()).rejects.toMatchObject({ code: 'bundle_invalid' });
    expect((await predict()).status).toBe(200);
    await until(() => readFileSync(log, 'utf8').endsWith('\n'));
    rmSync(log);
    mkdirSync(log);
    expect((await predict()).status).toBe(200);
    await until(async () => {
      const now = await metricsOf(server);
      return counters.every((one) => one === keysReloads('success') || (now.get(one) ?? 0) > 0);
    });
    rmSync(keys, { recursive: true });
    renameSync(`${keys}.old`, keys);
    await until(async () => (await metricsOf(server)).get(keysReloads('success')) === 1);

    const last = await metricsOf(server);
    expect(counters.slice(0, -1).map((one) => last.get(one))).toEqual([1, 1, 1, 1, 1]);
    // Two requests with the three phases of their texts, or one of them so far.
    expect([4, 8]).toContain(last.get('mbti_spans_lost_total'));
    for (const message of [
      'the bundle was not reloaded: the old one is served on',
      'API keys could not be read again; the ones before stay',
      'predictions cannot be logged',
      'traces cannot be exported',
    ]) {
      expect(lines.filter((line) => line.message === message)).toHaveLength(1);
    }
  });
});

describe('spans', () => {
  it('that a collector leaves waiting are counted as lost: those on their way, and those behind a full queue', async () => {
    process.env.OTEL_BSP_MAX_QUEUE_SIZE = '4';
    process.env.OTEL_BSP_MAX_EXPORT_BATCH_SIZE = '2';
    process.env.OTEL_EXPORTER_OTLP_TIMEOUT = '300';
    const { url, requests } = await otlpReceiver(() => {});
    const { server, lines } = await tracedServer(bundle, endpoint(url));
    await fetch(`${server.url}/info`);
    await until(() => requests.length > 0);
    // While one span is on its way, four have room.
    for (let i = 0; i < 7; i += 1) await fetch(`${server.url}/info`);
    await until(async () => (await metricsOf(server)).get('mbti_spans_lost_total') === 8);
    expect(lines.filter(({ message }) => message === 'traces cannot be exported')).toHaveLength(1);
  });

  it('that a collector refuses in a success are counted, and its reason is told', async () => {
    const { url } = await otlpReceiver((response) =>
      response.end('{"partialSuccess":{"rejectedSpans":"1","errorMessage":"too many attributes"}}'),
    );
    const { server, lines } = await tracedServer(bundle, endpoint(url));
    await fetch(`${server.url}/info`);
    await until(async () => (await metricsOf(server)).get('mbti_spans_lost_total') === 1);
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 'warn', reason: 'too many attributes', lost_spans: 1 }),
    );
  });

  it('that are left when the server ends are told of', async () => {
    process.env.OTEL_BSP_SCHEDULE_DELAY = '600000';
    // Longer than the server waits at its end, and no longer than the test runner does.
    process.env.OTEL_EXPORTER_OTLP_TIMEOUT = '2500';
    const { url } = await otlpReceiver(() => {});
    const { server, lines, stop } = await tracedServer(bundle, endpoint(url));
    await fetch(`${server.url}/info`);
    await stop();
    expect(lines).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        message: 'the last traces were not exported in time',
        lost_spans: 1,
      }),
    );
  });
});

describe('what runs', () => {
  it('is told with its versions, and with the memory of every engine', async () => {
    const { server } = await tracedServer(bundle, 'server.workers=2');
    await until(() => server.workers().length === 2);
    const found = await metricsOf(server);
    const lock = JSON.parse(readFileSync(join(packageRoot, 'package-lock.json'), 'utf8'));
    const { version } = lock.packages['node_modules/onnxruntime-node'];
    const labels = `version="${packageVersion}",node="${process.versions.node}",onnxruntime="${version}"`;
    expect(found.get(`mbti_build_info{${labels}}`)).toBe(1);
    const bytes = found.get('mbti_worker_memory_bytes') ?? 0;
    // A Node process alone takes more than this.
    expect(bytes).toBeGreaterThan(2 * 2 ** 24);
    if (process.platform === 'linux') expect(bytes).toBeLessThanOrEqual(peaks(server.workers()));
  });
});

/** The most that these processes have ever held. */
function peaks(pids: readonly number[]): number {
  const kibibytes = pids.map((pid) => {
    const [, peak] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(peak);
  });
  return kibibytes.reduce((sum, one) => sum + one * 1024, 0);
}
