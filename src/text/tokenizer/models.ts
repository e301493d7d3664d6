import { shown } from '../../files/index.ts';
import { type Bpe, bpeIds, type Merge, pairOf } from './bpe.ts';
import { boolean, build, type ComponentTable, component, count, or, string } from './component.ts';
import type { JsonPlace } from './json-place.ts';
import { unigramIds } from './unigram.ts';
import {
  listedVocabulary,
  requiredId,
  type Vocabulary,
  vocabulary,
  WordCache,
} from './vocabulary.ts';
import { wordPieceIds } from './word-piece.ts';

/** A vocabulary, and how a word is looked up in it. */
export interface Model extends Vocabulary {
  /** The id of what it does not know; byte-level vocabularies know everything. */
  readonly unk: number | undefined;
  readonly encode: (word: string) => readonly number[];
}

/** Characters: a word's work grows faster than its length. The usual limit is 100. */
const LONGEST_WORD = 10_000;
/** It is looked up with every character of a word. */
const LONGEST_AFFIX = 100;

const affix = (place: JsonPlace): string => {
  const text = place.string();
  if (text.length <= LONGEST_AFFIX) return text;
  throw place.expected(`${LONGEST_AFFIX} characters at most`);
};

const DROPOUT_HINT = 'dropout of merges makes ids random; set it to null';

const noDropout = (place: JsonPlace): undefined => {
  if (place.isAbsent || place.value === 0) return;
  throw place.refused('not honoured', DROPOUT_HINT);
};

/** The models that are honoured, with their attributes. */
export const models: ComponentTable<Model> = {
  BPE: component(
    {
      vocab: vocabulary,
      merges: (place) => place.list(),
      dropout: noDropout,
      unk_token: or(string, undefined),
      continuing_subword_prefix: or(affix, ''),
      end_of_word_suffix: or(affix, ''),
      fuse_unk: or(boolean, false),
      byte_fallback: or(boolean, false),
      ignore_merges: or(boolean, false),
    },
    ({ vocab, unk_token: token, ...values }, place) => {
      const { ids } = vocab;
      const unk = token === undefined ? undefined : requiredId(ids, token, place.get('unk_token'));
      const prefix = values.continuing_subword_prefix;
      const model: Bpe = {
        ids,
        merges: mergesOf(values.merges, ids, prefix),
        unk,
        prefix,
        suffix: values.end_of_word_suffix,
        fuseUnk: values.fuse_unk,
        byteFallback: values.byte_fallback,
        ignoreMerges: values.ignore_merges,
      };
      return { ...vocab, unk, encode: cached((word) => bpeIds(model, word)) };
    },
  ),
  Unigram: component(
    {
      vocab: (place) => place.list().map(scoredPiece),
      unk_id: count,
      byte_fallback: or(boolean, false),
    },
    ({ vocab: pieces, unk_id: unk, byte_fallback: byteFallback }, place) => {
      if (unk >= pieces.length) throw place.get('unk_id').expected('an id of the vocabulary');
      const texts = pieces.map(([piece]) => piece);
      const vocab = listedVocabulary(texts, place.get('vocab'));
      return { ...vocab, unk, encode: cached(unigramIds({ pieces, unk, byteFallback })) };
    },
  ),
  WordLevel: component({ vocab: vocabulary, unk_token: string }, ({ vocab, unk_token }, place) => {
    const unk = requiredId(vocab.ids, unk_token, place.get('unk_token'));
    return { ...vocab, unk, encode: (word) => [vocab.ids.get(word) ?? unk] };
  }),
  WordPiece: component(
    {
      vocab: vocabulary,
      unk_token: string,
      continuing_subword_prefix: affix,
      max_input_chars_per_word: (place) => place.integer(LONGEST_WORD),
    },
    ({ vocab, unk_token, ...values }, place) => {
      const { ids } = vocab;
      const unk = requiredId(ids, unk_token, place.get('unk_token'));
      const prefix = values.continuing_subword_prefix;
      const longestWord = values.max_input_chars_per_word;
      return { ...vocab, unk, encode: cached(wordPieceIds({ ids, unk, prefix, longestWord })) };
    },
  ),
};

/** The model; files written before 2020 do not name its type. */
export function buildModel(place: JsonPlace): Model {
  const type = place.get('type');
  return build(models, place, type.isAbsent ? untypedModel(place) : type.string());
}

function untypedModel(place: JsonPlace): string {
  if (Array.isArray(place.get('vocab').value)) return 'Unigram';
  if (!place.get('merges').isAbsent) return 'BPE';
  return place.get('max_input_chars_per_word').isAbsent ? 'WordLevel' : 'WordPiece';
}

function cached(encode: (word: string) => readonly number[]): Model['encode'] {
  const cache = new WordCache(encode);
  return (word) => cache.get(word);
}

/** Merges by their pair of ids; of a pair that stands twice the last counts. */
function mergesOf(
  places: readonly JsonPlace[],
  ids: ReadonlyMap<string, number>,
  prefix: string,
): Map<number, Merge> {
  const merges = new Map<number, Merge>();
  let rank = 0;
  for (const place of places) {
    if (typeof place.value === 'string' && place.value.startsWith('#version')) continue;
    const [left, right] = mergePair(place);
    const [a, b] = [ids.get(left), ids.get(right)];
    const id = ids.get(left + right.slice(prefix.length));
    if (a === undefined || b === undefined || id === undefined) {
      throw place.refused(
        `a merge of ${shown(left)} and ${shown(right)}: the vocabulary lacks one of the three`,
      );
    }
    merges.set(pairOf(a, b), { rank: rank++, id });
  }
  return merges;
}

/** `"a b"` or `["a", "b"]`. */
function mergePair(place: JsonPlace): readonly [string, string] {
  const parts: unknown = typeof place.value === 'string' ? place.value.split(' ') : place.value;
  if (Array.isArray(parts) && parts.length === 2) {
    const [left, right]: readonly unknown[] = parts;
    if (typeof left === 'string' && typeof right === 'string') return [left, right];
  }
  throw place.expected('a pair of tokens');
}

function scoredPiece(place: JsonPlace): readonly [string, number] {
  const { value } = place;
  if (Array.isArray(value) && value.length === 2) {
    const [piece, score]: readonly unknown[] = value;
    if (typeof piece === 'string' && typeof score === 'number' && Number.isFinite(score)) {
      return [piece, score];
    }
  }
  throw place.expected('a piece and its score');
}
