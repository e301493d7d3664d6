import { readdirSync, readFileSync } from 'node:fs';
import { Random } from '../../../../training/random.ts';
import { violations, type Work, works } from './probe.ts';

interface File {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const folder = new URL('../../../fixtures/', import.meta.url).pathname;

const filesOf = (...names: readonly string[]): File[] =>
  names.map((name) => ({ name, bytes: new Uint8Array(readFileSync(`${folder}${name}`)) }));

const inFolder = (name: string): string[] =>
  readdirSync(`${folder}${name}`)
    .filter((file) => file.endsWith('.onnx'))
    .sort()
    .map((file) => `${name}/${file}`);

/** Graphs of one operator, or a few. */
export const operatorFiles = filesOf(...inFolder('ops'));

/** Encoders, as exporters write them. */
export const graphFiles = filesOf(
  'graphs/distilbert-fresh/legacy-op17-sdpa-head.onnx',
  ...inFolder('families'),
  'graphs/bert/legacy-op17-sdpa-head.onnx',
  'graphs/distilbert/dynamo-op20-sdpa-base.onnx',
  'graphs/distilbert/legacy-op17-sdpa-head-nofold.onnx',
);

/** What goes wrong with files that are changed one after the other, from a seed on; each with how to make it again. */
export function violationsOf(
  files: readonly File[],
  change: (bytes: Uint8Array, random: Random) => Uint8Array,
  from: number,
  count: number,
  wanted: Readonly<Record<string, Work>> = works,
): string[] {
  const found: string[] = [];
  for (let seed = from; seed < from + count; seed++) {
    const file = files[seed % files.length];
    if (file === undefined) continue;
    const bytes = change(file.bytes, new Random('hostile', change.name, seed));
    for (const violation of violations(bytes, wanted)) {
      found.push(`${file.name}, ${change.name} by seed ${seed}: ${violation}`);
    }
  }
  return found;
}
