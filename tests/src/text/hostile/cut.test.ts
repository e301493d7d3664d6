import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { cleanText, TextTokenizer, tokenizedWords, type Word } from '../../../../src/text/index.ts';
import { build } from '../../../../src/text/tokenizer/component.ts';
import { chunker, SOLID } from '../../../../src/text/tokenizer/cuts.ts';
import { JsonPlace } from '../../../../src/text/tokenizer/json-place.ts';
import { normalizers } from '../../../../src/text/tokenizer/normalizers.ts';
import { Pipeline } from '../../../../src/text/tokenizer/pipeline.ts';
import { clusters } from '../../../../src/text/tokenizer/precompiled.ts';
import { mixedText } from '../../../support/hostile-texts.ts';
import { tokenizerJson } from '../../../support/tokenizer-json.ts';

interface Row {
  readonly part: 'normalizer' | 'pre_tokenizer' | 'tokenizer';
  readonly name: string;
  readonly json: Record<string, unknown>;
}

const fixtures = join(import.meta.dirname, '../../../fixtures/tokenizer');
const unzipped = (file: string) =>
  JSON.parse(gunzipSync(readFileSync(join(fixtures, file))).toString('utf8'));
const { rows, texts }: { rows: Row[]; texts: string[] } = unzipped('components.json.gz');
const bert = TextTokenizer.fromJson(unzipped('tokenizer.json.gz'));

const fileOf = ({ part, json }: Row) =>
  new JsonPlace(part === 'tokenizer' ? json : tokenizerJson({ [part]: json }), '', 'a file');

/** Enough to be cut in many places, and none longer than a chunk: uncut they are tokenized in one. */
const long = [
  ...Array.from({ length: 4 }, (_, seed) => mixedText(100, seed)),
  texts.slice(0, 40).join('a b'),
];
const WHOLE = Number.POSITIVE_INFINITY;

const bertNormalizer = {
  type: 'BertNormalizer',
  clean_text: true,
  handle_chinese_chars: true,
  strip_accents: null,
  lowercase: true,
};
const metaspace = { type: 'Metaspace', replacement: '▁' };
const replacing = (pattern: object, content: string) => ({ type: 'Replace', pattern, content });

/** A token for every letter. */
const spelling = {
  pieces: (text: string, atMost: number = WHOLE) => {
    const pieces = Array.from(text.slice(0, atMost));
    return { pieces, ids: pieces.map((piece) => piece.charCodeAt(0)) };
  },
};

describe('a text that is tokenized a part at a time', () => {
  it.each(rows.map((row) => [row.part, row.name, row] as const))(
    'gets the ids and the words of the whole: %s %s',
    (_part, _name, row) => {
      const [whole, cut] = [WHOLE, 1].map((size) => new Pipeline(fileOf(row), size));
      for (const text of long) {
        expect(cut!.words(text)).toEqual(whole!.words(text));
        expect(cut!.encode(text)).toEqual(whole!.encode(text));
      }
    },
  );

  it('gets the first ids of the whole where only those are asked for', () => {
    for (const row of rows.filter(({ part }) => part === 'tokenizer')) {
      const pipeline = new Pipeline(fileOf(row), 16);
      for (const text of long) {
        const all = pipeline.encode(text);
        for (const most of [1, 17, all.length, all.length + 1]) {
          expect(pipeline.encode(text, most)).toEqual(all.slice(0, most));
        }
      }
    }
  });

  it.each([
    ['BertNormalizer and BertPreTokenizer', bertNormalizer, { type: 'BertPreTokenizer' }, true],
    ['ByteLevel alone', null, { type: 'ByteLevel', add_prefix_space: true }, true],
    ['NFKC and Metaspace', { type: 'NFKC' }, metaspace, true],
    ['runs of spaces that become one', replacing({ Regex: ' {2,}' }, ' '), metaspace, true],
    [
      'another pattern, which may look anywhere',
      replacing({ Regex: 'a.*b' }, ' '),
      metaspace,
      false,
    ],
    ['spaces that become something else', replacing({ String: ' ' }, '▁'), metaspace, false],
    ['pieces of five characters', null, { type: 'FixedLength', length: 5 }, false],
    ['texts that are one word', { type: 'NFC' }, null, false],
  ])('is cut where nothing can join its parts: %s', (_, normalizer, pre_tokenizer, isCut) => {
    const file = new JsonPlace({ normalizer, pre_tokenizer }, '', 'a file');
    const place = file.get('normalizer');
    const chunks = chunker(
      {
        normalizer: place,
        preTokenizer: file.get('pre_tokenizer'),
        tokens: [],
        normalize: place.isAbsent ? (text) => text : build(normalizers, place),
      },
      8,
    );
    const parts = [...chunks('quiet evening garden. 我喜歡安靜的晚上')];
    expect(parts.map(({ text }) => text).join('')).toBe('quiet evening garden. 我喜歡安靜的晚上');
    expect(parts.length > 1).toBe(isCut);
  });

  it('is cut behind no character that belongs to what follows, or becomes a space', () => {
    const solid = new RegExp(`^${SOLID}$`, 'u');
    const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' });
    let count = 0;
    for (let code = 0; code <= 0x10ffff; code++) {
      const character = String.fromCodePoint(code);
      if (!solid.test(character)) continue;
      count++;
      const first = segmenter.segment(`${character} `)[Symbol.iterator]().next();
      if (first.value?.segment !== character || /\s/.test(character.normalize('NFKD'))) {
        throw new Error(`U+${code.toString(16)}`);
      }
    }
    expect(count).toBeGreaterThan(100_000);
  });
});

describe('clusters of characters', () => {
  it('are those of the whole text, although it is segmented a part at a time', () => {
    const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' });
    for (let seed = 0; seed < 30; seed++) {
      const text = mixedText(900, seed) + '🇩🇪🇫'.repeat(seed * 20) + '\u0301'.repeat(seed * 60);
      const whole = Array.from(segmenter.segment(text), ({ segment }) => segment);
      expect(clusters(text)).toEqual(whole);
    }
  });
});

describe('the words of a long text', () => {
  it('are the first of all of them, where only the first ids are asked for', () => {
    const prose = 'Quiet evenings, a garden; friends don’t come. '.repeat(20);
    for (const text of [prose, ...long].map((raw) => cleanText(raw, 'none'))) {
      const all = tokenizedWords(text, bert);
      for (const most of [1, 20, 100_000]) {
        const first = tokenizedWords(text, bert, most);
        // A word of more ids than are asked for is looked at no further: its parts may be told apart.
        if (Math.max(...all.map((word) => word.ids.length)) < most) {
          expect(first.map(placeOf)).toEqual(all.slice(0, first.length).map(placeOf));
        }
        const ids = first.flatMap((word) => word.ids);
        expect(ids.slice(0, most)).toEqual(bert.encode(text).slice(0, most));
        // The last one alone goes on behind them.
        expect(ids.length - (first.at(-1)?.ids.length ?? 0)).toBeLessThan(most);
      }
    }
  });

  it('have as many pieces as were asked for at most, however long a word is', () => {
    const [word, ...more] = tokenizedWords('ab'.repeat(10_000), spelling, 50);
    expect([word?.pieces.length, word?.end, more]).toEqual([50, 20_000, []]);
  });
});

const placeOf = ({ text, start, end }: Word) => [text, start, end];
