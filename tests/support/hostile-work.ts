import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import {
  cleanText,
  composed,
  countTypeNames,
  isTooShort,
  TextTokenizer,
  tokenizedWords,
} from '../../src/text/index.ts';

const fixture = (file: string) =>
  JSON.parse(
    gunzipSync(readFileSync(new URL(`../fixtures/tokenizer/${file}`, import.meta.url))).toString(
      'utf8',
    ),
  );
const { rows }: { rows: { name: string; json: object }[] } = fixture('components.json.gz');
const named = (name: string) => rows.find((row) => row.name === name)?.json ?? {};

/** One of each family: WordPiece, a map of characters before Unigram, bytes before BPE. */
const tokenizers = [
  TextTokenizer.fromJson(fixture('tokenizer.json.gz')),
  TextTokenizer.fromJson(named('Unigram of xlm-roberta')),
  TextTokenizer.fromJson(named('BPE byte-level')),
];

/** The ids that 32 windows of 128 tokens hold, and one more. */
const IDS = 32 * 126 + 1;

/** All that a text goes through before its windows are computed, and before it is learnt from. Seconds of the processor. */
export function secondsOfWork(raw: string): number {
  const before = process.cpuUsage();
  isTooShort(cleanText(raw, 'mbti'), 10);
  countTypeNames(raw);
  const text = cleanText(raw, 'none');
  isTooShort(text, 10);
  composed(text);
  for (const tokenizer of tokenizers) {
    tokenizer.encode(text, IDS);
    tokenizedWords(text, tokenizer, IDS);
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}
