import { describe, expect, it } from '@jest/globals';
import { toPrediction } from '../../../src/task/index.ts';
import { total } from '../../support/exposition.ts';
import { fakeScore } from '../../support/fake-engines.ts';
import { testModel, testServer } from '../../support/http-server.ts';
import { sendRaw } from '../../support/raw-http.ts';
import { mbtiTask } from '../../support/tiny-bundle.ts';

const text = 'I enjoy solving complex problems alone.';
const other = 'Parties are the best evenings.';
const path = '/v2/models/tiny/infer';
const input = { name: 'text', shape: [2], datatype: 'BYTES', data: [text, other] };
const HEADER = 'inference-header-content-length';

const scoresOf = (...texts: string[]) => texts.flatMap((one) => fakeScore(one).probabilities);
const labelsOf = (...texts: string[]) =>
  texts.map((one) => toPrediction(mbtiTask, fakeScore(one).probabilities).mbti_type);

/** Each string behind its length, 4 bytes little-endian. */
const packed = (...strings: (string | Buffer)[]) =>
  Buffer.concat(
    strings.flatMap((string) => {
      const bytes = Buffer.from(string);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(bytes.length);
      return [length, bytes];
    }),
  );

/** A body of JSON and binary tensors, with its header. */
function binaryBody(json: object, tensors: Buffer) {
  const head = Buffer.from(JSON.stringify(json));
  return {
    headers: { 'content-type': 'application/octet-stream', [HEADER]: String(head.length) },
    body: Buffer.concat([head, tensors]),
  };
}

async function post(
  url: string,
  body: object | string | Buffer,
  headers: Record<string, string> = { 'content-type': 'application/json' },
) {
  const sent = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const answer = await fetch(url, { method: 'POST', headers, body: sent });
  const bytes = Buffer.from(await answer.arrayBuffer());
  const length = Number(answer.headers.get(HEADER) ?? bytes.length);
  return {
    status: answer.status,
    headers: answer.headers,
    json: JSON.parse(bytes.subarray(0, length).toString()),
    tensors: bytes.subarray(length),
  };
}

describe('POST /v2/models/{model}/infer', () => {
  it.each([path, '/v2/models/tiny/versions/abc/infer'])(
    'answers probabilities and labels of every text at %s, and the id',
    async (at) => {
      const { url } = await testServer();
      const { status, json } = await post(url + at, { id: 'a-1', inputs: [input] });
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

  it('has no id where the request has none, and accepts parameters that mean nothing', async () => {
    const { url } = await testServer();
    const { status, json } = await post(url + path, {
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
      const { json } = await post(url + path, { inputs: [input], outputs: wanted });
      return json.outputs.map((output: { name: string }) => output.name);
    };
    expect(await names('labels')).toEqual(['labels']);
    expect(await names('labels', 'probabilities')).toEqual(['labels', 'probabilities']);
    expect(await names()).toEqual(['probabilities', 'labels']);
  });

  it('reads nested data row by row', async () => {
    const { url, fakes } = await testServer();
    const nested = { ...input, shape: [3], data: [[text], [[other], text]] };
    expect((await post(url + path, { inputs: [nested] })).status).toBe(200);
    expect(fakes.begun).toEqual([text, other, text]);
  });

  it('gives the joined labels of another task', async () => {
    const axes = [
      { name: 'sentiment', labels: ['good', 'bad'], threshold: 0.5, temperature: 1 },
      { name: 'length', labels: ['long', 'short'], threshold: 0.5, temperature: 1 },
    ] as const;
    const model = { ...testModel, task: { name: 'reviews', cleaning: 'none', axes } as const };
    const { url } = await testServer({ model });
    const { json } = await post(url + path, { inputs: [input] });
    expect(json.outputs[0].shape).toEqual([2, 2]);
    expect(json.outputs[1].data[0]).toMatch(/^(good|bad)\/(long|short)$/);
  });

  it('cleans texts as in training and counts them as /predict does', async () => {
    const { url, fakes, metrics } = await testServer();
    const dirty = { ...input, shape: [1], data: ['I like books|||and https://a.example/b plans'] };
    await post(url + path, { inputs: [dirty] });
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

describe('binary tensors', () => {
  const { data: _data, ...bare } = input;
  const withSize = (tensors: Buffer) => ({
    inputs: [{ ...bare, parameters: { binary_data_size: tensors.length } }],
  });

  it('are read from behind the JSON, UTF-8 and blanks included', async () => {
    const { url, fakes } = await testServer({
      model: { ...testModel, task: { ...mbtiTask, cleaning: 'none' } },
    });
    const tensors = packed(text, 'Ça alors, c’était très bien! 😀');
    const { headers, body } = binaryBody(withSize(tensors), tensors);
    const { status, json } = await post(url + path, body, headers);
    expect([status, json.outputs[1].shape]).toEqual([200, [2]]);
    expect(fakes.begun).toEqual([text, 'Ça alors, c’était très bien! 😀']);
  });

  it('are answered where an output or the request asks for them', async () => {
    const { url } = await testServer();
    const all = { inputs: [input], parameters: { binary_data_output: true } };
    const binary = await post(url + path, all);
    const floats = scoresOf(text, other).map((_, i) => binary.tensors.readFloatLE(i * 4));
    expect(floats).toEqual(scoresOf(text, other).map(Math.fround));
    expect(binary.headers.get('content-type')).toBe('application/octet-stream');
    expect(binary.tensors.subarray(2 * 4 * 4)).toEqual(
      packed(...labelsOf(text, other).map(String)),
    );
    expect(binary.json.outputs).toEqual([
      {
        name: 'probabilities',
        datatype: 'FP32',
        shape: [2, 4],
        parameters: { binary_data_size: 32 },
      },
      { name: 'labels', datatype: 'BYTES', shape: [2], parameters: { binary_data_size: 16 } },
    ]);
    const outputs = [
      { name: 'labels', parameters: { binary_data: false } },
      { name: 'probabilities' },
    ];
    const mixed = await post(url + path, { ...all, outputs });
    expect(mixed.json.outputs[0].data).toEqual(labelsOf(text, other));
    expect(mixed.tensors).toHaveLength(32);
  });

  const good = packed(text, other);
  it.each<[string, object, Buffer, RegExp]>([
    ['cut off', withSize(good.subarray(0, -1)), good.subarray(0, -1), /text\[1\] is longer/],
    [
      'cut off in a length',
      withSize(good.subarray(0, -32)),
      good.subarray(0, -32),
      /text\[1\] is cut off/,
    ],
    ['of one text too few', withSize(packed(text)), packed(text), /1 elements: expected 2/],
    [
      'of one text too many',
      withSize(packed(text, other, text)),
      packed(text, other, text),
      /over 2/,
    ],
    ['longer than they say', withSize(good), Buffer.concat([good, good]), /bytes: expected/],
    ['shorter than they say', withSize(good), Buffer.alloc(0), /are 0 bytes: expected/],
    ['that nobody announced', { inputs: [input] }, good, /expected 0/],
    [
      'beside data',
      { inputs: [{ ...input, parameters: { binary_data_size: good.length } }] },
      good,
      /both data and/,
    ],
    [
      'that are no UTF-8',
      withSize(packed(text, Buffer.alloc(20, 0xff))),
      packed(text, Buffer.alloc(20, 0xff)),
      /text\[1\] is not valid UTF-8/,
    ],
    [
      'of a huge length',
      withSize(Buffer.alloc(8, 0xff)),
      Buffer.alloc(8, 0xff),
      /text\[0\] is longer/,
    ],
  ])('%s are 400', async (_name, json, tensors, message) => {
    const { url, fakes } = await testServer();
    const { headers, body } = binaryBody(json, tensors);
    const answer = await post(url + path, body, headers);
    expect([answer.status, fakes.begun]).toEqual([400, []]);
    expect(answer.json.error).toMatch(message);
  });

  it.each(['-1', '1e2', 'x', '999999', '0x10'])(
    'are 400 with a header length of %s',
    async (length) => {
      const { url } = await testServer();
      const { status, json } = await post(
        url + path,
        { inputs: [input] },
        {
          'content-type': 'application/json',
          [HEADER]: length,
        },
      );
      expect(status).toBe(400);
      expect(json.error).toContain(HEADER);
    },
  );
});

describe('bad inference requests', () => {
  const one = { ...input, shape: [1], data: [text] };
  it.each<[string, unknown, RegExp]>([
    ['no JSON', '{"inputs', /not valid JSON/],
    ['a list', [], /the body is a list: expected an object/],
    ['no inputs', {}, /no inputs/],
    ['empty inputs', { inputs: [] }, /inputs has 0 elements/],
    ['two inputs', { inputs: [one, one] }, /inputs has 2 elements: expected 1/],
    ['inputs of an object', { inputs: one }, /inputs is an object: expected a list/],
    [
      'another input',
      { inputs: [{ ...one, name: 'prompt' }] },
      /inputs\[0\]\.name is "prompt": expected "text"/,
    ],
    [
      'another datatype',
      { inputs: [{ ...one, datatype: 'FP32' }] },
      /datatype is "FP32": expected "BYTES"/,
    ],
    ['no datatype', { inputs: [{ ...one, datatype: undefined }] }, /inputs\[0\] has no datatype/],
    ['no shape', { inputs: [{ ...one, shape: undefined }] }, /inputs\[0\] has no shape/],
    ['a shape of two dimensions', { inputs: [{ ...one, shape: [1, 1] }] }, /shape has 2 elements/],
    ['a shape of none', { inputs: [{ ...one, shape: [] }] }, /shape has 0 elements/],
    [
      'a shape of words',
      { inputs: [{ ...one, shape: ['1'] }] },
      /shape\[0\] is a string: expected a whole number/,
    ],
    [
      'a fractional shape',
      { inputs: [{ ...one, shape: [1.5] }] },
      /shape\[0\] is a number: expected a whole number/,
    ],
    ['a negative shape', { inputs: [{ ...one, shape: [-1] }] }, /shape\[0\] is under 1/],
    ['an empty batch', { inputs: [{ ...one, shape: [0], data: [] }] }, /shape\[0\] is under 1/],
    [
      'too many texts',
      { inputs: [{ ...one, shape: [5], data: Array(5).fill(text) }] },
      /shape\[0\] is over 4/,
    ],
    [
      'more data than its shape',
      { inputs: [{ ...one, data: [text, text] }] },
      /2 elements: expected 1/,
    ],
    ['less data than its shape', { inputs: [{ ...one, shape: [2] }] }, /1 elements: expected 2/],
    ['neither data nor binary data', { inputs: [{ ...one, data: undefined }] }, /neither data/],
    [
      'a text of a number',
      { inputs: [{ ...one, data: [7] }] },
      /data\[0\] is a number: expected a string or a list/,
    ],
    [
      'a nested text of null',
      { inputs: [{ ...one, data: [[null]] }] },
      /data\[0\]\[0\] is null: expected a string/,
    ],
    [
      'a text that is too short',
      { inputs: [{ ...input, data: [text, 'no'] }] },
      /data\[1\] has 2 characters/,
    ],
    [
      'another output',
      { inputs: [one], outputs: [{ name: 'logits' }] },
      /outputs\[0\]\.name is "logits": expected "probabilities" or "labels"/,
    ],
    [
      'an output twice',
      { inputs: [one], outputs: [{ name: 'labels' }, { name: 'labels' }] },
      /labels twice/,
    ],
    ['an id of a number', { id: 7, inputs: [one] }, /id is a number: expected a string/],
    ['parameters of a list', { parameters: [], inputs: [one] }, /parameters is a list/],
    ['an unknown property', { inputs: [one], output: [] }, /unknown property: "output"/],
    ['__proto__', `{"inputs":[],"__proto__":{}}`, /__proto__/],
    ['33 levels', `{"inputs":${'['.repeat(33)}`, /32 levels/],
  ])('%s: 400, saying what is wrong', async (_name, body, message) => {
    const { url, fakes } = await testServer();
    const { status, json } = await post(url + path, body as object);
    expect([status, Object.keys(json), fakes.begun]).toEqual([400, ['error'], []]);
    expect(json.error).toMatch(message);
  });

  it('a compressed body is 415 and says so', async () => {
    const { url } = await testServer();
    const { status, json } = await post(
      url + path,
      { inputs: [one] },
      {
        'content-type': 'application/json',
        'content-encoding': 'gzip',
      },
    );
    expect([status, json.error]).toEqual([415, expect.stringContaining('content encoding')]);
  });

  it('a body over the limit is 413', async () => {
    const { url } = await testServer();
    const large = { inputs: [{ ...one, data: ['x'.repeat(20_000)] }] };
    expect((await post(url + path, large)).status).toBe(413);
  });

  it.each([
    ['/v2/models/nobody/infer', 'there is no model "nobody": this server has "tiny"'],
    ['/v2/models/tiny/versions/1/infer', 'tiny has no version "1": expected "abc"'],
    ['/v2/models/tiny/guess', 'there is nothing at this path'],
    ['/v2/nothing', 'there is nothing at this path'],
  ])('%s is 404', async (at, error) => {
    const { url } = await testServer();
    const { status, json } = await post(url + at, { inputs: [one] });
    expect([status, json]).toEqual([404, { error }]);
  });

  it('a deadline that passes is 408, a full queue 429 with Retry-After, a starting server 503', async () => {
    const { url, fakes, lifecycle } = await testServer({ engines: 1 });
    fakes.auto = false;
    const timed = { 'content-type': 'application/json', 'x-request-timeout-ms': '200' };
    const full = { inputs: [{ ...one, shape: [4], data: Array(4).fill(text) }] };
    const waiting = post(url + path, full, timed);
    while (fakes.running.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const refused = await post(url + path, full);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect((await waiting).status).toBe(408);
    lifecycle.state = 'starting';
    const early = await post(url + path, full);
    expect([early.status, early.json]).toEqual([503, { error: 'the model is still loading' }]);
  });
});
