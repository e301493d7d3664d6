import { describe, expect, it } from '@jest/globals';
import { toPrediction } from '../../../src/task/index.ts';
import { total } from '../../support/exposition.ts';
import { fakeScore } from '../../support/fake-engines.ts';
import { testModel, testServer } from '../../support/http-server.ts';
import { infer } from '../../support/infer.ts';
import { sendRaw } from '../../support/raw-http.ts';
import { mbtiTask } from '../../support/tiny-bundle.ts';

const text = 'I enjoy solving complex problems alone.';
const other = 'Parties are the best evenings.';
const path = '/v2/models/tiny/infer';
const input = { name: 'text', shape: [2], datatype: 'BYTES', data: [text, other] };

const scoresOf = (...texts: string[]) => texts.flatMap((one) => fakeScore(one).probabilities);
const labelsOf = (...texts: string[]) =>
  texts.map((one) => toPrediction(mbtiTask, fakeScore(one).probabilities).mbti_type);

describe('POST /v2/models/{model}/infer', () => {
  it.each([path, '/v2/models/tiny/versions/abc/infer'])(
    'answers probabilities and labels of every text at %s, and the id',
    async (at) => {
      const { url } = await testServer();
      const { status, json } = await infer(url + at, { id: 'a-1', inputs: [input] });
      expect(status).toBe(200);
      expect(json).toEqual({
        model_name: 'tiny',
        model_version: 'abc',
        id: 'a-1',
        outputs: [
          {
            name: 'probabilities',
            datatype: 'FP32',
            shape: [2, 4],
            data: scoresOf(text, other).map(Math.fround),
          },
          { name: 'labels', datatype: 'BYTES', shape: [2], data: labelsOf(text, other) },
        ],
      });
    },
  );

  it('takes what clients say of the model, and null for what they leave out', async () => {
    const { url } = await testServer();
    const plain = await infer(url + path, { inputs: [input] });
    const named = { model_name: 'tiny', model_version: 'abc', inputs: [input] };
    const empty = {
      id: null,
      model_name: null,
      model_version: null,
      parameters: null,
      outputs: null,
      inputs: [{ ...input, parameters: null }],
    };
    const emptier = {
      model_version: '',
      parameters: { binary_data_output: null, content_type: null },
      outputs: [
        { name: 'probabilities', parameters: null },
        { name: 'labels', parameters: { binary_data: null, classification: 0 } },
      ],
      inputs: [{ ...input, parameters: { binary_data_size: null, content_type: 'str' } }],
    };
    for (const body of [named, empty, emptier]) {
      const { status, json } = await infer(url + path, body);
      expect([status, json]).toEqual([200, plain.json]);
    }
  });

  it('takes texts in a column, and answers as always', async () => {
    const { url } = await testServer();
    const plain = await infer(url + path, { inputs: [input] });
    for (const data of [
      [text, other],
      [[text], [other]],
    ]) {
      const column = { ...input, shape: [2, 1], data };
      const { status, json } = await infer(url + path, { inputs: [column] });
      expect([status, json]).toEqual([200, plain.json]);
    }
  });

  it('has no id where the request has none, and accepts parameters that mean nothing', async () => {
    const { url } = await testServer();
    const { status, json } = await infer(url + path, {
      parameters: { priority: 3, note: 'x', list: [1] },
      inputs: [{ ...input, parameters: { content_type: 'str' } }],
    });
    expect(status).toBe(200);
    expect(Object.keys(json)).toEqual(['model_name', 'model_version', 'outputs']);
  });

  it('answers the outputs that are asked for, in that order', async () => {
    const { url } = await testServer();
    const names = async (...outputs: string[]) => {
      const wanted = outputs.map((name) => ({ name }));
      const { json } = await infer(url + path, { inputs: [input], outputs: wanted });
      return json.outputs.map((output: { name: string }) => output.name);
    };
    expect(await names('labels')).toEqual(['labels']);
    expect(await names('labels', 'probabilities')).toEqual(['labels', 'probabilities']);
    expect(await names()).toEqual(['probabilities', 'labels']);
  });

  it('reads nested data row by row', async () => {
    const { url, fakes } = await testServer();
    const nested = { ...input, shape: [3], data: [[text], [[other], text]] };
    expect((await infer(url + path, { inputs: [nested] })).status).toBe(200);
    expect(fakes.begun).toEqual([text, other, text]);
  });

  it('gives the joined labels of another task', async () => {
    const axes = [
      { name: 'sentiment', labels: ['good', 'bad'], threshold: 0.5, temperature: 1 },
      { name: 'length', labels: ['long', 'short'], threshold: 0.5, temperature: 1 },
    ] as const;
    const model = { ...testModel, task: { name: 'reviews', cleaning: 'none', axes } as const };
    const { url } = await testServer({ model });
    const { json } = await infer(url + path, { inputs: [input] });
    expect(json.outputs[0].shape).toEqual([2, 2]);
    expect(json.outputs[1].data[0]).toMatch(/^(good|bad)\/(long|short)$/);
  });

  it('cleans texts as in training and counts them as /predict does', async () => {
    const { url, fakes, metrics } = await testServer();
    const dirty = { ...input, shape: [1], data: ['I like books|||and https://a.example/b plans'] };
    await infer(url + path, { inputs: [dirty] });
    expect(fakes.begun).toEqual(['I like books and plans']);
    const exposition = await metrics.exposition();
    expect(total(exposition, 'mbti_predictions_total')).toBe(4);
    const route = 'route="/v2/models/{model}/infer"';
    expect(total(exposition, 'mbti_requests_total', route, 'status="200"')).toBe(1);
  });

  it('takes a body without a content type', async () => {
    const { port } = await testServer();
    const body = JSON.stringify({ inputs: [input] });
    const raw = await sendRaw(port, [
      `POST ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    ]);
    expect(raw).toMatch(/^HTTP\/1\.1 200 .*"probabilities"/s);
  });
});
