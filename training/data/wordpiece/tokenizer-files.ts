import { TextTokenizer } from '../../../src/text/index.ts';
import { CONTINUATION, learnVocabulary } from './vocabulary.ts';

/** The contents of a tokenizer's two files. */
export interface TokenizerFiles {
  readonly tokenizerJson: Record<string, unknown>;
  readonly tokenizerConfig: Record<string, unknown>;
}

/** The ids of these are their positions. */
const SPECIAL_TOKENS = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'] as const;

/** In every vocabulary, first and continuing, so that a new word is spelt out and not [UNK]. */
const WORD_CHARACTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';
/** The words that the tokenizer sees hold a mark alone. */
const MARKS = '.,!?\'"-:;()';

const CLS = SPECIAL_TOKENS.indexOf('[CLS]');
const SEP = SPECIAL_TOKENS.indexOf('[SEP]');
const LONGEST_WORD = 100;

/** What splits texts into words as a tokenizer that is learnt will, before it has a vocabulary. */
export function wordSplitter(): TextTokenizer {
  return TextTokenizer.fromJson(tokenizerJson(SPECIAL_TOKENS));
}

/** Learns a WordPiece tokenizer (BERT uncased in all but its vocabulary) from texts. */
export function learnTokenizer(texts: Iterable<string>, vocabularySize: number): TokenizerFiles {
  const splitter = wordSplitter();
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const word of splitter.words(text)) {
      if (word.length <= LONGEST_WORD) counts.set(word, (counts.get(word) ?? 0) + 1);
    }
  }
  const given = [
    ...SPECIAL_TOKENS,
    ...MARKS,
    ...WORD_CHARACTERS,
    ...Array.from(WORD_CHARACTERS, (character) => CONTINUATION + character),
  ];
  const vocabulary = learnVocabulary(counts, { size: vocabularySize, given });
  return { tokenizerJson: tokenizerJson(vocabulary), tokenizerConfig };
}

const tokenizerConfig = {
  clean_up_tokenization_spaces: true,
  cls_token: '[CLS]',
  do_lower_case: true,
  mask_token: '[MASK]',
  pad_token: '[PAD]',
  sep_token: '[SEP]',
  strip_accents: null,
  tokenize_chinese_chars: true,
  tokenizer_class: 'DistilBertTokenizer',
  unk_token: '[UNK]',
};

/** Hugging Face's `tokenizer.json` for a BERT-uncased WordPiece vocabulary in id order. */
function tokenizerJson(vocabulary: readonly string[]): Record<string, unknown> {
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: SPECIAL_TOKENS.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [special('[CLS]', 0), sequence('A', 0), special('[SEP]', 0)],
      pair: [
        special('[CLS]', 0),
        sequence('A', 0),
        special('[SEP]', 0),
        sequence('B', 1),
        special('[SEP]', 1),
      ],
      special_tokens: {
        '[CLS]': { id: '[CLS]', ids: [CLS], tokens: ['[CLS]'] },
        '[SEP]': { id: '[SEP]', ids: [SEP], tokens: ['[SEP]'] },
      },
    },
    decoder: { type: 'WordPiece', prefix: CONTINUATION, cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: CONTINUATION,
      max_input_chars_per_word: LONGEST_WORD,
      vocab: Object.fromEntries(vocabulary.map((piece, id) => [piece, id])),
    },
  };
}

function special(id: string, typeId: number): Record<string, unknown> {
  return { SpecialToken: { id, type_id: typeId } };
}

function sequence(id: string, typeId: number): Record<string, unknown> {
  return { Sequence: { id, type_id: typeId } };
}
