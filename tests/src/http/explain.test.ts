import { describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { fakeExplanation } from '../../support/fake-engines.ts';
import { testModel, testServer } from '../../support/http-server.ts';

const text = 'I enjoy solving complex problems alone.';
const explaining = () => testServer({ model: { ...testModel, explains: true } });

describe('POST /explain', () => {
  it('answers what /predict answers, and an explanation by axis', async () => {
    const { url, fakes } = await explaining();
    const { body: predicted } = await request(url).post('/predict').send({ text });
    const { status, body } = await request(url).post('/explain').send({ text });
    const { explanation, ...prediction } = body;
    expect(status).toBe(200);
    expect(prediction).toEqual(predicted);
    const byAxis = (values: readonly number[]) =>
      Object.fromEntries(values.map((value, i) => [testModel.task.axes[i]!.name, value]));
    const { words } = fakeExplanation(text);
    expect(explanation).toEqual({
      method: 'integrated_gradients',
      text,
      logits: byAxis([1, 2, 3, 4]),
      baseline_logits: byAxis([0, 0, 0, 0]),
      special_tokens: byAxis([0, 0, 0, 0]),
      words: [
        {
          word: text,
          start: 0,
          end: text.length,
          pieces: [text],
          attributions: byAxis(words[0]!.attributions),
        },
      ],
    });
    expect(fakes.begun).toEqual([text, text]);
  });

  it('answers texts in their order, with the texts as they were cleaned', async () => {
    const { url } = await explaining();
    const texts = ['The longest of these|||texts', 'Short text'];
    const { body } = await request(url).post('/explain').send({ texts });
    const seen = body.predictions.map(
      (one: { explanation: { text: string } }) => one.explanation.text,
    );
    expect(seen).toEqual(['The longest of these texts', 'Short text']);
  });

  it('explains nothing for /predict', async () => {
    const { url } = await explaining();
    const { body } = await request(url).post('/predict').send({ text });
    expect(Object.keys(body)).not.toContain('explanation');
  });

  it('is 404 with a code of its own where the bundle has no explain graph', async () => {
    const { url } = await testServer();
    const { status, body } = await request(url).post('/explain').send({ text });
    expect([status, body.code]).toEqual([404, 'explain_unavailable']);
  });

  it('is 405 for another method', async () => {
    const { url } = await explaining();
    const { status, headers } = await request(url).get('/explain');
    expect([status, headers.allow]).toEqual([405, 'POST']);
  });

  it('is 408 when the deadline passes, and tells the engine that deadline', async () => {
    const { url, fakes } = await explaining();
    fakes.auto = false;
    const before = Date.now();
    const { status, body } = await request(url)
      .post('/explain')
      .set('x-request-timeout-ms', '30')
      .send({ text });
    expect([status, body.code]).toEqual([408, 'deadline_exceeded']);
    const until = fakes.options[0]!.explain!.until;
    expect(until).toBeGreaterThanOrEqual(before + 30);
    expect(until).toBeLessThanOrEqual(Date.now() + 30);
  });

  it('is 503 until the model has answered a warm-up', async () => {
    const { url, lifecycle } = await explaining();
    lifecycle.state = 'starting';
    const { status, body } = await request(url).post('/explain').send({ text });
    expect([status, body.code]).toEqual([503, 'not_ready']);
  });

  it('stands in the metrics from the first scrape and is counted as a prediction', async () => {
    const { url } = await explaining();
    const scrape = async () => (await request(url).get('/metrics')).text;
    expect(await scrape()).toContain(
      'mbti_requests_total{route="/explain",method="POST",status="404"} 0',
    );
    await request(url).post('/explain').send({ text });
    const after = await scrape();
    expect(after).toContain('mbti_requests_total{route="/explain",method="POST",status="200"} 1');
    expect(after).toContain(`mbti_tokens_total ${text.length}`);
  });
});
