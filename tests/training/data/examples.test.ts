import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { loadConfig } from '../../../src/config/index.ts';
import { readExamples } from '../../../training/data/index.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const folder = temporaryFolder();

const sentiment = {
  text_column: 'text',
  axes: [{ name: 'sentiment', labels: ['positive', 'negative'], column: 'label' }],
};

function read(csv: string | Buffer, task?: object, name = 'data.csv', flags: object = {}) {
  const source = folder.write(name, csv as string);
  const file = folder.write('config.json', JSON.stringify(task ? { task } : {}));
  const all = { ...flags, 'data.source': source };
  return readExamples(loadConfig({ file, env: {}, flags: all }).config);
}

const labelsOf = (examples: readonly { labels: Float32Array }[]) =>
  examples.map(({ labels }) => Array.from(labels));

describe('reading examples', () => {
  it('cleans texts and reads one label per axis from a code', async () => {
    const { examples } = await read(
      'type,posts\nINFP,"I like to read.|||http://x.y/z|||A ""quoted"" word, no?"\nESTJ,We met at the office\n',
    );
    expect(examples.map(({ text }) => text)).toEqual([
      'I like to read. A quoted word, no?',
      'We met at the office',
    ]);
    expect(labelsOf(examples)).toEqual([
      [0, 0, 0, 0],
      [1, 1, 1, 1],
    ]);
  });

  it("reads an axis's own column, in any order among others", async () => {
    const csv = 'id,text,x,label\n1,a wonderful film,?,positive\n2,a dreadful film,?, negative \n';
    const { examples } = await read(csv, sentiment);
    expect(labelsOf(examples)).toEqual([[1], [0]]);
  });

  it('takes byte-order marks, CRLF, newlines in fields, blank lines and NUL bytes', async () => {
    const csv =
      '\uFEFFtype,posts\r\n\r\nINFP,"first line\r\nsecond line"\r\n\r\nESTJ,"with a\0 NUL byte in it"\r\n';
    const { examples } = await read(csv);
    expect(examples.map(({ text }) => text)).toEqual([
      'first line second line',
      'with a NUL byte in it',
    ]);
  });

  it('leaves out and counts short texts, repeated texts and texts with conflicting labels', async () => {
    const { examples, report } = await read(
      [
        'type,posts',
        'INFP,too short',
        'INFP,https://example.org/a/long/link/alone',
        'INFP,the same text as an INFP',
        'INFP,the same  text as an ENTJ',
        'ESTJ,said by two of them',
        'ISTJ,said by two of them',
        'ISTJ,said by one of them',
        '',
      ].join('\n'),
    );
    expect(examples.map(({ text }) => text)).toEqual([
      'the same text as an',
      'said by one of them',
    ]);
    expect(report).toMatchObject({
      rows: 7,
      kept: 2,
      dropped: { too_short: 2, duplicates: 1, conflicting: 2 },
      masked_type_names: 2,
      cleaning: 'mbti',
    });
  });

  it.each(['\n', '\r\n', '\r', '\r\r\n'])('reads rows whose lines end in %j', async (end) => {
    const { examples } = await read(
      ['type,posts', 'INFP,"one text, of its own"', 'ESTJ,another text', ''].join(end),
    );
    expect(examples.map(({ text }) => text)).toEqual(['one text, of its own', 'another text']);
  });

  it('reads the same rows from TSV, JSON lines and a JSON array', async () => {
    const rows = [
      { label: 'positive', text: 'a "wonderful", long film' },
      { label: 'negative', text: 'a dreadful film' },
    ];
    const [first, second] = rows.map((row) => JSON.stringify(row));
    const files = {
      'data.tsv': `label\ttext\npositive\t"a ""wonderful"", long film"\nnegative\ta dreadful film\n`,
      'data.jsonl': `${first}\n${second}\n`,
      'data.json': `[\n${first},\n${second}]`,
    };
    for (const [name, content] of Object.entries(files)) {
      const { examples } = await read(content, sentiment, name);
      expect(examples.map(({ text }) => text)).toEqual(rows.map(({ text }) => text));
      expect(labelsOf(examples)).toEqual([[1], [0]]);
    }
  });

  it('keeps texts down to data.min_length, 1 where the cleaning is not the MBTI corpus', async () => {
    const csv = 'text,label\nok,positive\nno!,negative\n\u200b\u00ad,negative\n';
    const { examples, report } = await read(csv, sentiment);
    expect(examples.map(({ text }) => text)).toEqual(['ok', 'no!']);
    expect(report.dropped.too_short).toBe(1);
    const three = await read(csv, sentiment, 'data.csv', { 'data.min_length': 3 });
    expect(three.examples.map(({ text }) => text)).toEqual(['no!']);
  });

  it("names the data by the sha256 of the file's bytes", async () => {
    const csv = 'type,posts\nINFP,I like to read books\n';
    const { dataHash } = await read(csv);
    expect(dataHash).toBe(createHash('sha256').update(csv).digest('hex'));
  });
});

describe('data that cannot be used', () => {
  const good = 'INFP,I like to read books';

  it.each([
    [
      'a wrong header',
      'kind,words\na,b\n',
      /data\.csv has no columns "posts", "type": found columns "kind", "words"/,
    ],
    ['a header that lacks one column', 'type,text\na,b\n', /has no column "posts": found/],
    ['a header with a column twice', 'type,posts,type\nINFP,x,INFP\n', /two columns named "type"/],
    ['other separators', 'type;posts\nINFP;x\n', /found column "type;posts"/],
    [
      'an unknown code',
      `type,posts\n${good}\nXXXX,I like to read too\n`,
      /data\.csv, line 3: type is "XXXX": expected E or I, then S or N, then T or F, then J or P/,
    ],
    ['a code in lower case', 'type,posts\ninfp,I like to read too\n', /line 2: type is "infp"/],
    ['an empty code', 'type,posts\n,I like to read too\n', /line 2: type is ""/],
    ['no bytes', '', /data\.csv is empty: expected a header with columns "posts", "type"/],
    ['a byte-order mark alone', '\uFEFF', /is empty/],
    ['a header only', 'type,posts\n', /data\.csv has a header but no rows/],
    ['a header without an end of line', 'type,posts', /has a header but no rows/],
    ['short texts only', 'type,posts\nINFP,x\nESTJ,y\n', /none of the 2 rows/],
    [
      'a row with too many cells',
      `type,posts\n${good}\n${good},more\n`,
      /data\.csv, line 3: it has 3 cells: expected 2, as the header/,
    ],
    [
      'a quote that is not closed',
      'type,posts\nINFP,"never closed\n',
      /data\.csv, line 2: a quote opens a cell here and is never closed/,
    ],
    [
      'a quote in the middle',
      `type,posts\n${good}\nINFP,"a" b\n`,
      /data\.csv, line 3: its cell 2 goes on behind the quote that closes it/,
    ],
    ['UTF-16', Buffer.from('\uFEFFtype,posts\n', 'utf16le'), /is UTF-16: expected text in UTF-8/],
    [
      'Windows-1252',
      Buffer.from('type,posts\nINFP,That was a tr\u00e8s dull evening\n', 'latin1'),
      /data\.csv, line 2: it is not valid UTF-8: byte 0xE8 after "INFP,That was a tr"/,
    ],
  ])('%s is an error that says so', async (_title, csv, message) => {
    await expect(read(csv)).rejects.toThrow(message);
    await expect(read(csv)).rejects.toMatchObject({ code: 'data_invalid', exitCode: 1 });
  });

  it('counts lines through fields with newlines', async () => {
    const csv = 'type,posts\nINFP,"one\ntwo\nthree"\n\nNOPE,I like to read too\n';
    await expect(read(csv)).rejects.toThrow(/data\.csv, line 6: type is "NOPE"/);
  });

  it('counts a CRLF inside a field once', async () => {
    const csv = 'type,posts\r\nINFP,"one\r\ntwo\r\nthree"\r\nNOPE,I like to read too\r\n';
    await expect(read(csv)).rejects.toThrow(/data\.csv, line 5: type is "NOPE"/);
  });

  it("names a wrong label of an axis's own column", async () => {
    const csv = 'label,text\nneutral,neither good nor bad\n';
    await expect(read(csv, sentiment)).rejects.toThrow(
      'line 2: label is "neutral": expected positive or negative',
    );
  });

  it('a file that does not exist is missing, a folder cannot be read', async () => {
    const config = (source: string) =>
      loadConfig({ env: {}, flags: { 'data.source': source } }).config;
    await expect(readExamples(config(join(folder.path, 'none.csv')))).rejects.toMatchObject({
      code: 'file_missing',
      exitCode: 3,
      message: expect.stringContaining('none.csv does not exist'),
    });
    await expect(readExamples(config(folder.path))).rejects.toMatchObject({ code: 'data_invalid' });
  });

  it('no data.source at all is a mistake of the configuration', async () => {
    await expect(readExamples(loadConfig({ env: {} }).config)).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining('data.source is missing'),
    });
  });
});
