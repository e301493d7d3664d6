import { describe, expect, it } from '@jest/globals';
import { testServer } from '../../support/http-server.ts';
import { infer } from '../../support/infer.ts';

const text = 'I enjoy solving complex problems alone.';
const other = 'Parties are the best evenings.';
const path = '/v2/models/tiny/infer';
const input = { name: 'text', shape: [2], datatype: 'BYTES', data: [text, other] };

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
    [
      'a shape of two columns',
      { inputs: [{ ...one, shape: [1, 2] }] },
      /shape is \[1, 2\]: expected \[n\] or \[n, 1\]/,
    ],
    [
      'a shape of three dimensions',
      { inputs: [{ ...one, shape: [1, 1, 1] }] },
      /shape has 3 elements/,
    ],
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
    [
      'the name of another model',
      { model_name: 'other', inputs: [one] },
      /model_name is "other", but the path names "tiny"/,
    ],
    [
      'the version of another model',
      { model_version: '2', inputs: [one] },
      /model_version is "2", but "abc" answers/,
    ],
    [
      'a name of a number',
      { model_name: 7, inputs: [one] },
      /model_name is a number: expected a string/,
    ],
    [
      'texts in base64',
      { inputs: [{ ...one, parameters: { content_type: 'base64' } }] },
      /content_type is "base64": expected "str" or "np" or null/,
    ],
    [
      'texts that are dates',
      { inputs: [{ ...one, parameters: { content_type: 'datetime' } }] },
      /content_type is "datetime": expected/,
    ],
    [
      'a request in base64',
      { parameters: { content_type: 'base64' }, inputs: [one] },
      /parameters\.content_type is "base64"/,
    ],
    [
      'texts in shared memory',
      { inputs: [{ ...one, data: undefined, parameters: { shared_memory_region: 'r' } }] },
      /shared_memory_region is "r": expected null/,
    ],
    [
      'labels in base64',
      { inputs: [one], outputs: [{ name: 'labels', parameters: { content_type: 'base64' } }] },
      /content_type is "base64"/,
    ],
    [
      'the best classes only',
      { inputs: [one], outputs: [{ name: 'labels', parameters: { classification: 3 } }] },
      /classification is 3: expected 0 or null/,
    ],
    ['inputs of null', { inputs: null }, /inputs is null: expected a list/],
    ['a shape of null', { inputs: [{ ...one, shape: null }] }, /shape is null: expected a list/],
    ['no data but null', { inputs: [{ ...one, data: null }] }, /neither data/],
    ['parameters of a list', { parameters: [], inputs: [one] }, /parameters is a list/],
    ['an unknown property', { inputs: [one], output: [] }, /unknown property: "output"/],
    ['__proto__', `{"inputs":[],"__proto__":{}}`, /__proto__/],
    ['33 levels', `{"inputs":${'['.repeat(33)}`, /32 levels/],
  ])('%s: 400, saying what is wrong', async (_name, body, message) => {
    const { url, fakes } = await testServer();
    const { status, json } = await infer(url + path, body as object);
    expect([status, Object.keys(json), fakes.begun]).toEqual([400, ['error'], []]);
    expect(json.error).toMatch(message);
  });

  it('a compressed body is 415 and says so', async () => {
    const { url } = await testServer();
    const { status, json } = await infer(
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
    expect((await infer(url + path, large)).status).toBe(413);
  });

  it.each([
    ['/v2/models/nobody/infer', 'there is no model "nobody": this server has "tiny"'],
    ['/v2/models/tiny/versions/1/infer', 'tiny has no version "1": expected "abc"'],
    ['/v2/models/tiny/guess', 'there is nothing at this path'],
    ['/v2/nothing', 'there is nothing at this path'],
  ])('%s is 404', async (at, error) => {
    const { url } = await testServer();
    const { status, json } = await infer(url + at, { inputs: [one] });
    expect([status, json]).toEqual([404, { error }]);
  });

  it('a deadline that passes is 408, a full queue 429 with Retry-After, a starting server 503', async () => {
    const { url, fakes, lifecycle } = await testServer({ engines: 1 });
    fakes.auto = false;
    const timed = { 'content-type': 'application/json', 'x-request-timeout-ms': '200' };
    const full = { inputs: [{ ...one, shape: [4], data: Array(4).fill(text) }] };
    const waiting = infer(url + path, full, timed);
    while (fakes.running.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const refused = await infer(url + path, full);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect((await waiting).status).toBe(408);
    lifecycle.state = 'starting';
    const early = await infer(url + path, full);
    expect([early.status, early.json]).toEqual([503, { error: 'the model is still loading' }]);
  });
});
