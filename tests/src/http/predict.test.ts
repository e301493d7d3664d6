import { describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { toPrediction } from '../../../src/task/index.ts';
import { fakeScore } from '../../support/fake-engines.ts';
import { testModel, testServer } from '../../support/http-server.ts';
import { mbtiTask } from '../../support/tiny-bundle.ts';

const text = 'I enjoy solving complex problems alone.';
const nextTurn = () => new Promise((resolve) => setTimeout(resolve, 20));

/** What the fake engines make of a text. */
const expected = (of: string) => ({
  ...toPrediction(mbtiTask, fakeScore(of).probabilities),
  model: { name: 'tiny', version: 'abc' },
  usage: { tokens: of.length, windows: 1, truncated: false },
});

describe('POST /predict', () => {
  it('answers one text with exactly the keys of the contract', async () => {
    const { url } = await testServer();
    const { status, body, type } = await request(url).post('/predict').send({ text });
    expect([status, type]).toEqual([200, 'application/json']);
    expect(Object.keys(body)).toEqual([
      'mbti_type',
      'dimensions',
      'probabilities',
      'model',
      'usage',
    ]);
    expect(body).toEqual(expected(text));
  });

  it('answers texts in their order', async () => {
    const { url } = await testServer();
    const texts = ['The longest of these three texts.', 'A middling text.', 'Short text'];
    const { body } = await request(url).post('/predict').send({ texts });
    expect(body).toEqual({ predictions: texts.map(expected) });
  });

  it('gives label instead of mbti_type for another task', async () => {
    const axes = [
      { name: 'sentiment', labels: ['positive', 'negative'], threshold: 0.5, temperature: 1 },
    ] as const;
    const model = { ...testModel, task: { name: 'sentiment', cleaning: 'none', axes } as const };
    const { url } = await testServer({ model });
    const { body } = await request(url)
      .post('/predict')
      .send({ text: 'Ça alors, c’était très bien!' });
    expect(Object.keys(body)).toEqual(['label', 'dimensions', 'probabilities', 'model', 'usage']);
    expect(['positive', 'negative']).toContain(body.label);
  });

  it('refuses what is shorter than the minimum that is stored with the model, and nothing else', async () => {
    const axes = [
      { name: 'sentiment', labels: ['positive', 'negative'], threshold: 0.5, temperature: 1 },
    ] as const;
    const task = { name: 'sentiment', cleaning: 'none', min_length: 2, axes } as const;
    const { url } = await testServer({ model: { ...testModel, task } });
    const predict = (text: string) => request(url).post('/predict').send({ text });
    expect((await predict('ok')).status).toBe(200);
    for (const text of ['', '!', 'a\u200b\u00ad', ' b ']) {
      const { status, body } = await predict(text);
      expect([status, body.code]).toEqual([400, 'text_too_short']);
      expect(body.detail).toMatch(/^text has [01] characters after cleaning: expected at least 2$/);
    }
    const tensor = { name: 'text', shape: [1], datatype: 'BYTES' };
    const infer = (text: string) =>
      request(url)
        .post(`/v2/models/${testModel.name}/infer`)
        .send({ inputs: [{ ...tensor, data: [text] }] });
    expect((await infer('ok')).status).toBe(200);
    expect((await infer('!')).body.error).toMatch(/expected at least 2$/);
    const info = (await request(url).get('/info')).body;
    expect(info.limits.minimum_text_length).toBe(2);
    expect(info.models[0].limits.minimum_text_length).toBe(2);
    const { paths } = (await request(url).get('/openapi.json')).body;
    const documented = (path: string, type: string) =>
      paths[path].post.responses[400].content[type].examples.text_too_short.value;
    expect(documented('/predict', 'application/problem+json').detail).toBe(
      (await predict('')).body.detail,
    );
    expect(documented('/v2/models/{model}/infer', 'application/json')).toEqual(
      (await infer('')).body,
    );
  });

  it('scores the text cleaned as in training', async () => {
    const { url, fakes } = await testServer();
    await request(url)
      .post('/predict')
      .send({ text: 'I like books|||and https://a.example/b plans' });
    expect(fakes.begun).toEqual(['I like books and plans']);
  });

  it('passes on how many windows there were and whether some were cut', async () => {
    const { url, fakes } = await testServer();
    fakes.auto = false;
    const answer = request(url)
      .post('/predict')
      .send({ text })
      .then((r) => r);
    while (fakes.running.length === 0) await nextTurn();
    fakes.running[0]!.finish({ tokens: 2048, windows: 32, truncated: true });
    expect((await answer).body.usage).toEqual({ tokens: 2048, windows: 32, truncated: true });
  });

  it('is 429 with Retry-After when the queue is full', async () => {
    const { url, fakes } = await testServer({ engines: 1 });
    fakes.auto = false;
    const post = (texts: string[]) =>
      request(url)
        .post('/predict')
        .send({ texts })
        .then((r) => r);
    const busy = post([text]);
    while (fakes.running.length === 0) await nextTurn();
    const waiting = post([text, text, text]);
    await nextTurn();
    const refused = await post([text, text]);
    expect(refused.status).toBe(429);
    expect(refused.body.code).toBe('queue_full');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    fakes.auto = true;
    fakes.running[0]!.finish();
    expect([(await busy).status, (await waiting).status]).toEqual([200, 200]);
  });

  it('is 408 when the deadline of the request passes', async () => {
    const { url, fakes } = await testServer();
    fakes.auto = false;
    const { status, body } = await request(url)
      .post('/predict')
      .set('x-request-timeout-ms', '5')
      .send({ text });
    expect([status, body.code]).toEqual([408, 'deadline_exceeded']);
  });

  it.each(['0', '-1', '1.5', 'soon', '1e3', '99999999999', ''])(
    'is 400 for a deadline of %j ms',
    async (value) => {
      const { url } = await testServer();
      const { status, body } = await request(url)
        .post('/predict')
        .set('x-request-timeout-ms', value)
        .send({ text });
      expect([status, body.code]).toEqual([400, 'invalid_request']);
    },
  );

  it('frees the place of a client that hangs up', async () => {
    const { url, fakes, scheduler } = await testServer({ engines: 1 });
    fakes.auto = false;
    const controller = new AbortController();
    const post = () =>
      fetch(`${url}/predict`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ texts: [text, text] }),
        signal: controller.signal,
      });
    const left = expect(post()).rejects.toThrow();
    while (scheduler.depth === 0) await nextTurn();
    controller.abort();
    await left;
    while (scheduler.depth > 0) await nextTurn();
    expect(fakes.begun).toHaveLength(1);
  });

  it('is 503 with Retry-After when two engines failed on a text, and says nothing of the inside', async () => {
    const { url, fakes, logged } = await testServer({ engines: 1 });
    fakes.auto = false;
    const answer = request(url)
      .post('/predict')
      .send({ text })
      .then((r) => r);
    for (let i = 0; i < 2; i += 1) {
      while (fakes.running.length === 0) await nextTurn();
      fakes.running[0]!.die();
    }
    const { status, body, headers } = await answer;
    expect([status, body.code, headers['retry-after']]).toEqual([503, 'engine_failed', '1']);
    expect(JSON.stringify(body)).not.toContain('fake engine died');
    expect(logged.join('')).toContain('fake engine died');
  });

  it('is 503 until the model has answered a warm-up, and served while the server drains', async () => {
    const { url, lifecycle, drain } = await testServer();
    lifecycle.state = 'starting';
    const early = await request(url).post('/predict').send({ text });
    expect([early.status, early.body.code]).toEqual([503, 'not_ready']);
    expect(early.headers['retry-after']).toBeDefined();
    lifecycle.state = 'draining';
    drain();
    const late = await request(url).post('/predict').send({ text });
    expect([late.status, late.headers.connection]).toEqual([200, 'close']);
  });

  it('closes the connection of an answer that was in flight when the server began to drain', async () => {
    const { url, fakes, drain } = await testServer();
    fakes.auto = false;
    const answer = request(url)
      .post('/predict')
      .send({ text })
      .then((r) => r);
    while (fakes.running.length === 0) await nextTurn();
    drain();
    fakes.running[0]!.finish();
    const { status, headers } = await answer;
    expect([status, headers.connection]).toEqual([200, 'close']);
  });

  it('never logs a text', async () => {
    const { url, logged } = await testServer();
    await request(url)
      .post('/predict')
      .send({ text: `${text} secretword` });
    await request(url).post('/predict').send({ text: 'secretword', unknown: 'secretword' });
    await request(url)
      .post('/predict')
      .set('content-type', 'application/json')
      .send('{"secretword');
    await nextTurn();
    expect(logged.length).toBeGreaterThanOrEqual(3);
    expect(logged.join('')).not.toContain('secretword');
  });
});
