import { isAscii } from './characters.ts';
import type { JsonPlace } from './json-place.ts';

/** Longer clusters are looked up character by character: as the Rust library has it, in bytes. */
const LONGEST_CLUSTER = 5;

/** Bytes: that of U+FDFA, the longest of Unicode's own, has 33. */
const LONGEST_REPLACEMENT = 1_000;

const HINT = 'export the tokenizer again: the map is base64 of what sentencepiece writes';

/**
 * A map of sentencepiece: characters to what they are replaced by. Its bytes are the trie's size, the trie (a
 * double array as darts-clone writes it) and the replacements, each ended by a zero.
 */
export function precompiled(place: JsonPlace): (text: string) => string {
  const base64 = place.string();
  const bytes = Buffer.from(base64, 'base64');
  const size = bytes.length >= 4 ? bytes.readUInt32LE(0) : 0;
  if (size === 0 || size % 4 !== 0 || 4 + size > bytes.length) {
    throw place.refused('not a map of characters', HINT);
  }
  const units = Uint32Array.from({ length: size / 4 }, (_, i) => bytes.readUInt32LE(4 + 4 * i));
  const replacements = bytes.subarray(4 + size);
  const longest = longestEnded(replacements);
  if (longest > LONGEST_REPLACEMENT) {
    throw place.refused(
      `a map with a replacement of ${longest} bytes: expected ${LONGEST_REPLACEMENT} at most`,
      HINT,
    );
  }
  const seen = new Map<string, string | undefined>();
  const replacement = (chunk: string): string | undefined => {
    if (!seen.has(chunk)) seen.set(chunk, lookedUp(units, replacements, chunk));
    return seen.get(chunk);
  };
  const mapped = (cluster: string): string =>
    (Buffer.byteLength(cluster) <= LONGEST_CLUSTER ? replacement(cluster) : undefined) ??
    Array.from(cluster, (character) => replacement(character) ?? character).join('');
  const known = new Map<string, string>();
  return (text) => {
    if (seen.size > MOST_SEEN) seen.clear();
    if (known.size > MOST_SEEN) known.clear();
    let all = '';
    for (const cluster of clusters(text)) {
      let to = known.get(cluster);
      if (to === undefined) {
        to = mapped(cluster);
        if (cluster.length <= LONGEST_KNOWN && known.size <= MOST_SEEN) known.set(cluster, to);
      }
      all += to;
    }
    return all;
  };
}

const MOST_SEEN = 20_000;
/** Code units of a cluster whose replacement is kept. */
const LONGEST_KNOWN = 8;

const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' });

/** What people see as characters (grapheme clusters). In ASCII only a line's end has two code points. */
export function clusters(text: string): string[] {
  if (isAscii(text)) return text.match(/\r\n|./gs) ?? [];
  const found: string[] = [];
  let size = SEGMENTED;
  for (let from = 0; from < text.length; ) {
    // Half of a surrogate pair would be a cluster of its own, and end the one before it.
    const end = from + size + (HIGH_SURROGATE.test(text.charAt(from + size - 1)) ? 1 : 0);
    const part = Array.from(segmenter.segment(text.slice(from, end)), ({ segment }) => segment);
    // The last one may go on behind the part.
    if (end < text.length) part.pop();
    for (const cluster of part) {
      found.push(cluster);
      from += cluster.length;
    }
    size = part.length === 0 ? 2 * size : SEGMENTED;
  }
  return found;
}

const HIGH_SURROGATE = /[\ud800-\udbff]/;

/** Code units that are given to the segmenter at a time: each of its steps costs as much as the text is long. */
const SEGMENTED = 512;

const utf8 = new TextEncoder();

/** The replacement of the shortest beginning that the trie has: that one stands for the whole chunk. */
function lookedUp(units: Uint32Array, replacements: Uint8Array, chunk: string): string | undefined {
  let at = offset(units[0] ?? 0);
  for (const byte of utf8.encode(chunk)) {
    if (byte === 0) return undefined;
    at ^= byte;
    const unit = units[at] ?? 0;
    if (label(unit) !== byte) return undefined;
    at ^= offset(unit);
    if (((unit >>> 8) & 1) === 1) return ended(replacements, value(units[at] ?? 0));
  }
  return undefined;
}

/** Bytes of the longest stretch without a zero. */
function longestEnded(replacements: Buffer): number {
  let longest = 0;
  for (let start = 0; start < replacements.length; ) {
    const end = replacements.indexOf(0, start);
    const stop = end < 0 ? replacements.length : end;
    longest = Math.max(longest, stop - start);
    start = stop + 1;
  }
  return longest;
}

function ended(replacements: Uint8Array, start: number): string {
  const end = replacements.indexOf(0, start);
  return Buffer.from(replacements.subarray(start, end < 0 ? undefined : end)).toString('utf8');
}

const offset = (unit: number): number => (unit >>> 10) << ((unit & (1 << 9)) >>> 6);
const label = (unit: number): number => (unit & ((1 << 31) | 0xff)) >>> 0;
const value = (unit: number): number => unit & 0x7fffffff;
