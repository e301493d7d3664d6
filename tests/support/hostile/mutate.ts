import type { Random } from '../../../training/random.ts';

/** What parsers stumble over. */
const pieces: readonly string[] = [
  '',
  '"',
  '""',
  '\\',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '\n',
  '\r\r\n',
  '\0',
  '\u001b[31m\nerror: forged\n    at forged (file:1:1)',
  '\u202e',
  '-1',
  '0',
  '0.5',
  '1e999',
  '4294967296',
  '9007199254740993',
  '18446744073709551616',
  'null',
  'true',
  'NaN',
  '"__proto__"',
  '"constructor"',
  '"toString"',
  '../../../etc/passwd',
  '[['.repeat(6000),
  '{"a":'.repeat(2000),
  'x'.repeat(100_000),
];
const bytes = [0x00, 0x0a, 0x0d, 0x22, 0x2c, 0x5c, 0x7b, 0x7d, 0x7f, 0x80, 0xc3, 0xff];

type Mutation = (source: Buffer, random: Random) => Buffer;

const place = (source: Buffer, random: Random): number => random.int(source.length + 1);
const range = (source: Buffer, random: Random): [number, number] => {
  const from = place(source, random);
  // Short ones mostly, and sometimes all that follows.
  const length = random.int(8) === 0 ? random.int(source.length + 1) : random.int(40);
  return [from, Math.min(source.length, from + length)];
};
const put = (source: Buffer, from: number, to: number, inside: Uint8Array | string): Buffer =>
  Buffer.concat([source.subarray(0, from), Buffer.from(inside as string), source.subarray(to)]);
const pick = <T>(list: readonly T[], random: Random): T => list[random.int(list.length)] as T;

/** The tokens of a text: strings, numbers and words, by their places. */
function token(source: Buffer, random: Random): [number, number] {
  const from = place(source, random);
  const found = /"(?:[^"\\]|\\.)*"|-?[\w.+-]+/.exec(source.toString('latin1', from, from + 4096));
  const at = from + (found?.index ?? 0);
  return [at, at + (found?.[0].length ?? 0)];
}

const mutations: readonly Mutation[] = [
  (source, random) => {
    const copy = Buffer.from(source);
    const at = random.int(Math.max(1, copy.length));
    copy[at] = (copy[at] ?? 0) ^ (1 << random.int(8));
    return copy;
  },
  (source, random) => {
    const copy = Buffer.from(source);
    copy[random.int(Math.max(1, copy.length))] = pick(bytes, random);
    return copy;
  },
  (source, random) => put(source, ...range(source, random), ''),
  (source, random) => source.subarray(0, place(source, random)),
  (source, random) => {
    const [from, to] = range(source, random);
    return put(source, to, to, source.subarray(from, to));
  },
  (source, random) => {
    const at = place(source, random);
    return put(source, at, at, source.subarray(...range(source, random)));
  },
  (source, random) => {
    const at = place(source, random);
    return put(source, at, at, pick(pieces, random));
  },
  (source, random) => put(source, ...token(source, random), pick(pieces, random)),
  (source, random) => {
    const [from, to] = token(source, random);
    return put(source, ...token(source, random), source.subarray(from, to));
  },
];

/** A sound file with one to four small things wrong. */
export function mutated(source: Buffer, random: Random): Buffer {
  let result = source;
  for (let left = 1 + random.int(4); left > 0; left--) {
    result = pick(mutations, random)(result, random);
  }
  return result;
}
