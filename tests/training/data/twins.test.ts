import { describe, expect, it } from '@jest/globals';
import { TextTokenizer } from '../../../src/text/index.ts';
import { keyed, UniqueTexts } from '../../../training/data/twins.ts';
import { learnTokenizer } from '../../../training/data/wordpiece/tokenizer-files.ts';

const files = learnTokenizer(['a wonderful cafe and a dreadful film'], 200);
const learnt = TextTokenizer.fromJson(files.tokenizerJson, files.tokenizerConfig);
/** The same words, case and accents kept. */
const cased = TextTokenizer.fromJson(
  {
    ...files.tokenizerJson,
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      lowercase: false,
      strip_accents: false,
    },
    model: {
      ...Object(files.tokenizerJson.model),
      vocab: {
        '[PAD]': 0,
        '[UNK]': 1,
        '[CLS]': 2,
        '[SEP]': 3,
        '[MASK]': 4,
        'caf\u00e9': 5,
        cafe: 6,
        Cafe: 7,
      },
    },
  },
  files.tokenizerConfig,
);

const label = (value: number) => Float32Array.of(value);

function unique(rows: readonly (readonly [string, number])[], tokenizer?: TextTokenizer) {
  const texts = new UniqueTexts(keyed(tokenizer));
  for (const [text, value] of rows) texts.add({ text, labels: label(value) });
  const kept = texts.examples().map(({ text }) => text);
  const { duplicates, conflicting } = texts;
  return { kept, duplicates, conflicting };
}

describe.each([
  ['that is learnt afterwards', undefined],
  ['that is there', learnt],
])('texts that a tokenizer %s cannot tell apart', (_name, tokenizer) => {
  it('are one text, whose first writing is kept', () => {
    const rows = ['A caf\u00e9 , dreadful', 'a cafe\u0301, DREADFUL', 'a cafe,dreadful', 'a film'];
    expect(
      unique(
        rows.map((text) => [text, 1]),
        tokenizer,
      ),
    ).toEqual({
      kept: [rows[0], 'a film'],
      duplicates: 2,
      conflicting: 0,
    });
  });

  it('are left out with all of their rows where their labels differ', () => {
    const rows = [
      ['caf\u00e9', 1],
      ['film', 1],
      ['cafe\u0301', 0],
      ['CAFE', 1],
    ] as const;
    expect(unique(rows, tokenizer)).toEqual({ kept: ['film'], duplicates: 0, conflicting: 3 });
  });
});

describe('texts that a tokenizer tells apart', () => {
  it('are several, save for composed and decomposed characters', () => {
    const rows = ['cafe', 'Cafe', 'caf\u00e9', 'cafe\u0301'].map((text) => [text, 1] as const);
    expect(unique(rows, cased)).toEqual({
      kept: ['cafe', 'Cafe', 'caf\u00e9'],
      duplicates: 1,
      conflicting: 0,
    });
  });

  it('keep the ids that they were told apart by', () => {
    const texts = new UniqueTexts(keyed(learnt));
    texts.add({ text: 'A Film', labels: label(1) });
    expect(texts.examples()[0]?.ids).toEqual(Int32Array.from(learnt.encode('A Film')));
  });
});
