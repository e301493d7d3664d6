import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TextTokenizer } from '../../dist/src/text/index.js';

/** The kinds of texts: the least and the most words of one. */
export const lengths = { long: [20, 400], short: [5, 60] };

/** More would only take longer to make: engines remember no text. */
const COUNT = 256;

/** A window without [CLS] and [SEP]. Longer texts are cut to it, so that all servers compute the same. */
const MOST_TOKENS = 510;
/** English has about 1.35 word pieces a word. */
const SHARE_OF_TWO_PIECES = 0.35;
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/** The texts of each kind, the same in every process. `folder` holds tokenizer.json. */
export const allTexts = (folder) =>
  Object.fromEntries(
    Object.entries(lengths).map(([kind, range]) => [kind, seededTexts(folder, range, COUNT)]),
  );

/**
 * Seeded texts of the tokenizer's own words. Their lengths follow the golden ratio: any few dozen neighbours cover the
 * range evenly, so that a window of time has the same mixture for every server, wherever in the list it begins.
 */
function seededTexts(folder, [least, most], count) {
  const vocabulary = Object.keys(
    JSON.parse(readFileSync(join(folder, 'tokenizer.json'), 'utf8')).model.vocab,
  );
  const whole = vocabulary.filter((piece) => /^[a-z]{3,}$/.test(piece));
  const endings = vocabulary.flatMap((piece) => /^##([a-z]{2,})$/.exec(piece)?.[1] ?? []);
  const tokenizer = TextTokenizer.load(folder);
  const random = generator(1);
  const pick = (list) => list[Math.floor(random() * list.length)];
  const word = () => pick(whole) + (random() < SHARE_OF_TWO_PIECES ? pick(endings) : '');
  return Array.from({ length: count }, (_, i) => {
    const size = least + Math.floor((((i + 1) * GOLDEN) % 1) * (most - least + 1));
    const words = Array.from({ length: size }, word);
    while (tokenizer.encode(words.join(' ')).length > MOST_TOKENS) words.pop();
    return words.join(' ');
  });
}

/** Texts in the list's order, from where the last window ended, round and round. */
export function endless(texts) {
  let next = 0;
  return () => {
    next += 1;
    return texts[(next - 1) % texts.length];
  };
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
