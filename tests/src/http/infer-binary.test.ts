import { describe, expect, it } from '@jest/globals';
import { toPrediction } from '../../../src/task/index.ts';
import { fakeScore } from '../../support/fake-engines.ts';
import { testModel, testServer } from '../../support/http-server.ts';
import { binaryBody, HEADER, infer } from '../../support/infer.ts';
import { mbtiTask } from '../../support/tiny-bundle.ts';

const text = 'I enjoy solving complex problems alone.';
const other = 'Parties are the best evenings.';
const path = '/v2/models/tiny/infer';
const input = { name: 'text', shape: [2], datatype: 'BYTES', data: [text, other] };

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
    const { status, json } = await infer(url + path, body, headers);
    expect([status, json.outputs[1].shape]).toEqual([200, [2]]);
    expect(fakes.begun).toEqual([text, 'Ça alors, c’était très bien! 😀']);
  });

  it('are answered where an output or the request asks for them', async () => {
    const { url } = await testServer();
    const all = { inputs: [input], parameters: { binary_data_output: true } };
    const binary = await infer(url + path, all);
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
    const mixed = await infer(url + path, { ...all, outputs });
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
    const answer = await infer(url + path, body, headers);
    expect([answer.status, fakes.begun]).toEqual([400, []]);
    expect(answer.json.error).toMatch(message);
  });

  it.each(['-1', '1e2', 'x', '999999', '0x10'])(
    'are 400 with a header length of %s',
    async (length) => {
      const { url } = await testServer();
      const { status, json } = await infer(
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
