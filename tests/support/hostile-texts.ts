import { Random } from '../../training/random.ts';

/** Pieces of which a text of a kind is made, in random order. A kind of one piece is that piece over and over. */
const kinds: Readonly<Record<string, readonly string[]>> = {
  'combining marks': ['\u0301', '\u0316', '\u0323', '\u0327', '\u05b0', '\u3099'],
  'letters under thirty marks each': [`a${'\u0301\u0316'.repeat(15)}`],
  'marks with nothing between them that is seen': [`${'\u0316\u0301'.repeat(15)}\u200b`],
  'families of emoji': ['👩‍👩‍👧‍👦', '👍🏽', '🏳️‍🌈'],
  'emoji that are joined without an end': ['👩\u200d'],
  'flags without a space': ['🇩🇪', '🇫🇷', '🇯'],
  'Arabic and Hebrew, with vowels': ['سَلَام', ' ', 'שָׁלוֹם', '\u200f', 'ﷺ', 'ﹰ'],
  'Chinese without a space': ['我', '喜', '歡', '安', '靜', '的', '晚', '上', '𠀀'],
  'Japanese without a space': ['わ', 'た', 'し', 'は', 'が', '本', 'ｶﾞ'],
  'Hangul, whole and in parts': ['나는', '조용한', '\u1100\u1161\u11a8'],
  'Thai without a space': ['ฉัน', 'ชอบ', 'ตอน', 'เย็น'],
  'Devanagari conjuncts': ['क्ष', 'त्र', 'नमस्ते', 'कि'],
  Cyrillic: ['Я', 'люблю', ' ', 'тихие', 'вечера', ' '],
  'a single word': ['a', 'b'],
  'words of a hundred letters': [`${'ab'.repeat(50)} `],
  'capital letters that have no small one alone': ['İ', 'Σ', 'ẞ', ' '],
  'only spaces': [' ', '\u00a0', '\u3000', '\n', '\t'],
  'spaces beside ideographic ones': ['a', '\u3000 ', ' '],
  'control characters': ['\u0001', '\u0085', '\u200e', '\u00ad', 'a'],
  'zero-width characters between letters': ['a\u200b', 'b\u2060', '\ufeff'],
  'invisible characters': ['\u200b', '\u2060', '\u034f'],
  'halves of surrogate pairs': ['\ud83d', '\ude00', 'a'],
  'only punctuation': ['!', '?', '.', '"', '\\', '#'],
  'brackets of images that never close': ['![', '](', '[', '!'],
  'images without an end': ['![x](', '![', 'y'],
  'beginnings of links': ['http://', 'www.', 'https://a ', ' '],
  'names of types': ['INFP ', 'infps ', "ENTJ's ", 'IN', 'TJ'],
  'separators of posts': ['|', '||', '|||', 'a'],
  'the tokens of a model': ['[MASK]', '[SEP]', '[UNK', '<s>', '</s>', ' ', '##'],
  'prefixes of words and apostrophes': ["'s", "don't", "'", '’', '_', '▁', 'Ġ'],
  'numbers without an end': ['1', '2', '٣', '½', '①'],
  'ligatures of many letters': ['ﷺ', '㍿', 'ﬃ', '㌀'],
};

export const hostileKinds: readonly string[] = Object.keys(kinds);

/** A text of so many code units. The same seed gives the same text. */
export function hostileText(kind: string, length: number, seed: number): string {
  const pieces = kinds[kind] ?? [];
  const random = new Random(seed, kind);
  // Texts that are made to be dear repeat something: a block of random pieces, over and over.
  const block = Array.from(
    { length: 1 + random.int(64) },
    () => pieces[random.int(pieces.length)] ?? '',
  ).join('');
  return block.repeat(Math.ceil(length / block.length)).slice(0, length);
}

/** A text of several kinds at once, of so many pieces. */
export function mixedText(count: number, seed: number): string {
  const random = new Random(seed, 'mixed');
  const all = [...Object.values(kinds).flat(), ...PLAIN, ...PLAIN];
  return Array.from({ length: count }, () => all[random.int(all.length)] ?? '').join('');
}

/** What texts are made of, so that there are places to cut among the rest. */
const PLAIN = ['quiet evening', ' garden ', 'a b c', ' вечер сад ', ' 12 3', ' é è ', 'x', ' '];
