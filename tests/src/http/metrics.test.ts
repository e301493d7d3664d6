import { describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { samples, total } from '../../support/exposition.ts';
import { testModel, testServer } from '../../support/http-server.ts';
import { sendRaw } from '../../support/raw-http.ts';
import { until } from '../../support/until.ts';

const text = 'I enjoy solving complex problems alone.';
const nextTurn = () => new Promise((resolve) => setTimeout(resolve, 20));

/** Series that are there before the first request, one of each metric and label. */
const fromTheStart = [
  'mbti_requests_total{route="/predict",method="POST",status="200"}',
  'mbti_requests_total{route="/predict",method="POST",status="429"}',
  'mbti_requests_total{route="/predict",method="POST",status="401"}',
  'mbti_requests_total{route="/predict",method="POST",status="499"}',
  'mbti_requests_total{route="/info",method="GET",status="500"}',
  'mbti_requests_total{route="unmatched",method="GET",status="404"}',
  'mbti_request_duration_seconds_count{route="/predict"}',
  'mbti_phase_duration_seconds_count{phase="tokenize"}',
  'mbti_phase_duration_seconds_count{phase="queue"}',
  'mbti_phase_duration_seconds_count{phase="compute"}',
  'mbti_queue_depth',
  'mbti_queue_rejected_total{reason="full"}',
  'mbti_queue_rejected_total{reason="deadline"}',
  'mbti_queue_rejected_total{reason="cancelled"}',
  'mbti_queue_rejected_total{reason="rate_limit"}',
  'mbti_batch_size_count',
  'mbti_batch_tokens_count',
  'mbti_tokens_total',
  'mbti_texts_truncated_total',
  'mbti_cache_hits_total',
  'mbti_cache_misses_total',
  'mbti_predictions_total{axis="E/I",label="I"}',
  'mbti_predictions_total{axis="J/P",label="J"}',
  'mbti_prediction_confidence_count{axis="S/N"}',
  'mbti_drift_psi{feature="T/F"}',
  'mbti_drift_psi{feature="text_length"}',
  'mbti_drift_window_size',
  'mbti_worker_restarts_total',
  'mbti_worker_memory_bytes',
  'mbti_reloads_total{model="tiny",outcome="success"}',
  'mbti_reloads_total{model="tiny",outcome="failure"}',
  'mbti_api_keys_reloads_total{outcome="success"}',
  'mbti_api_keys_reloads_total{outcome="failure"}',
  'mbti_prediction_log_lost_total',
  'mbti_spans_lost_total',
  'mbti_model_load_seconds',
];

describe('GET /metrics', () => {
  it('has every metric with zeros at the first scrape', async () => {
    const { url } = await testServer();
    const { text: exposition, headers } = await request(url).get('/metrics');
    expect(headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
    const found = samples(exposition);
    for (const series of fromTheStart) expect([series, found.get(series)]).toEqual([series, 0]);
    expect(found.get('mbti_worker_up')).toBe(2);
    expect(found.get('mbti_model_info{name="tiny",version="abc",precision="fp32"}')).toBe(1);
  });

  it('counts every request once, whatever becomes of it', async () => {
    const { url, port, fakes, metrics } = await testServer({ engines: 1 });
    const post = (body: object) => request(url).post('/predict').send(body);
    await post({ text });
    await post({ texts: [text, text] });
    await post({ text: 'short' });
    await request(url).get('/predict');
    await request(url).head('/health/live');
    await request(url).get('/one/unknown/path');
    await request(url).get('/another/unknown/path');
    await sendRaw(port, ['GARBAGE\r\n\r\n']);
    const noUrl = ['http://[', 'mailto:somebody'].map((target) =>
      sendRaw(port, [`GET ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`]),
    );
    for (const answer of await Promise.all(noUrl)) {
      expect(answer).toMatch(/^HTTP\/1\.1 400 .*application\/problem\+json/s);
    }
    fakes.auto = false;
    const controller = new AbortController();
    const left = fetch(`${url}/predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text }),
      signal: controller.signal,
    });
    while (fakes.running.length === 0) await nextTurn();
    controller.abort();
    await expect(left).rejects.toThrow();
    await until(async () => (await metrics.exposition()).includes('status="499"} 1'));
    const exposition = await metrics.exposition();
    const count = (...labels: string[]) => total(exposition, 'mbti_requests_total', ...labels);
    expect(count('route="/predict"', 'status="200"')).toBe(2);
    expect(count('route="/predict"', 'status="400"')).toBe(1);
    expect(count('route="/predict"', 'method="GET"', 'status="405"')).toBe(1);
    expect(count('route="/predict"', 'status="499"')).toBe(1);
    expect(count('route="/health/live"', 'method="HEAD"')).toBe(1);
    expect(count('route="unmatched"', 'status="404"')).toBe(2);
    expect(count('route="unmatched"', 'status="400"')).toBe(3);
    expect(count()).toBe(11);
    expect(total(exposition, 'mbti_request_duration_seconds_count')).toBe(8 + 3);
    expect(exposition).not.toContain('unknown/path');
  });

  it('gets no new labels from what clients make up', async () => {
    const { url, port, metrics } = await testServer();
    await request(url).get('/predict/../x').set('x-request-id', 'made-up');
    const seriesOf = async () => [...samples(await metrics.exposition()).keys()];
    await request(url).get('/nothing');
    await request(url).delete('/nothing');
    await sendRaw(port, ['PURGE /predict HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n']);
    await sendRaw(port, ['GARBAGE\r\n\r\n']);
    const before = await seriesOf();
    for (let i = 0; i < 20; i += 1) {
      await request(url).get(`/made-up-${i}?q=${i}`);
      await request(url).delete(`/made-up-${i}/`);
      const made = `MADE-UP-${i} / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`;
      await sendRaw(port, [made]);
    }
    await sendRaw(port, ['SEARCH /predict HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n']);
    expect(await seriesOf()).toEqual(before);
  });

  it('counts predictions and tokens of what was answered', async () => {
    const { url, metrics } = await testServer();
    const { body } = await request(url).post('/predict').send({ text });
    const many = await request(url)
      .post('/predict')
      .send({ texts: [text, `${text} And more.`] });
    const exposition = await metrics.exposition();
    const all = [body, ...many.body.predictions];
    const tokens = all.reduce((sum, one) => sum + one.usage.tokens, 0);
    expect(total(exposition, 'mbti_tokens_total')).toBe(tokens);
    expect(total(exposition, 'mbti_predictions_total')).toBe(3 * 4);
    for (const { name, labels } of testModel.task.axes) {
      for (const label of labels) {
        const answered = all.filter((one) =>
          one.dimensions.some(
            (d: { dimension: string; label: string }) => d.dimension === name && d.label === label,
          ),
        );
        const series = `mbti_predictions_total{axis="${name}",label="${label}"}`;
        expect([series, samples(exposition).get(series)]).toEqual([series, answered.length]);
      }
    }
    expect(total(exposition, 'mbti_phase_duration_seconds_count', 'queue')).toBe(3);
    expect(total(exposition, 'mbti_batch_size_sum')).toBe(3);
    expect(total(exposition, 'mbti_batch_tokens_sum')).toBe(tokens);
  });

  it('shows the depth of the queue and what was turned away', async () => {
    const { url, fakes, scheduler, metrics } = await testServer({ engines: 1 });
    fakes.auto = false;
    const post = (texts: string[]) =>
      request(url)
        .post('/predict')
        .send({ texts })
        .then((r) => r.status);
    const answers = [post([text, text, text])];
    while (scheduler.depth < 2) await nextTurn();
    expect(await post([text, text, text])).toBe(429);
    const exposition = await metrics.exposition();
    expect(total(exposition, 'mbti_queue_depth')).toBe(2);
    expect(total(exposition, 'mbti_queue_rejected_total', 'full')).toBe(1);
    fakes.auto = true;
    fakes.running[0]!.finish();
    expect(await Promise.all(answers)).toEqual([200]);
  });
});
