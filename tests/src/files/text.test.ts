import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readRows, told } from '../../support/read-rows.ts';

describe('lines of text', () => {
  it('are rows, those without anything left out, whatever pieces they come in', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1, maxLength: 12 }),
        fc.constantFrom('\n', '\r\n', '\r\r\n'),
        fc.integer({ min: 1, max: 30 }),
        async (lines, end, piece) => {
          const clean = ['first', ...lines.map((line) => line.replace(/[\r\n\uFEFF]/g, ''))];
          const wanted = clean.flatMap((text, i) =>
            text.trim() === '' ? [] : [{ line: i + 1, cells: [text] }],
          );
          expect(await readRows('text', clean.join(end), { piece })).toEqual(wanted);
        },
      ),
    );
  });

  it('end at every kind of line end in one file', async () => {
    const input = '\uFEFFone\r\ntwo\n\nthree\rfour\r\r\nfive';
    expect(told(await readRows('text', input))).toEqual([
      '1 one',
      '2 two',
      '4 three',
      '5 four',
      '6 five',
    ]);
  });

  it('say which is not UTF-8 or too long, and go on', async () => {
    const bad = Buffer.concat([
      Buffer.from('one\n'),
      Buffer.of(0xff, 0x61, 0x0a),
      Buffer.from(`${'x'.repeat(50)}\nfour`),
    ]);
    expect(told(await readRows('text', bad, { maxBytes: 20 }))).toEqual([
      '1 one',
      '2 ! it is not valid UTF-8: byte 0xFF after ""',
      '3 ! it is longer than 20 bytes',
      '4 four',
    ]);
  });

  it('without any are an error', async () => {
    await expect(readRows('text', '\n\n')).rejects.toThrow('f is empty: expected a text a line');
  });
});
