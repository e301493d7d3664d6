import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { TextTokenizer } from '../../../../src/text/index.ts';
import type { ComponentTable } from '../../../../src/text/tokenizer/component.ts';
import { models } from '../../../../src/text/tokenizer/models.ts';
import { normalizers } from '../../../../src/text/tokenizer/normalizers.ts';
import { preTokenizers } from '../../../../src/text/tokenizer/pre-tokenizers.ts';
import { postProcessors } from '../../../../src/text/tokenizer/template.ts';
import { tokenizerJson } from '../../../support/tokenizer-json.ts';

/** What the Rust library makes of hard texts; make_components.py beside it writes it. */
interface Reference {
  readonly texts: readonly string[];
  readonly rows: readonly {
    readonly part: 'normalizer' | 'pre_tokenizer' | 'tokenizer';
    readonly name: string;
    readonly json: Record<string, unknown>;
    /** Of every text: the words that a component makes, or a whole tokenizer's ids. */
    readonly words?: readonly string[][];
    readonly ids?: readonly number[][];
    /** With the post-processor's tokens around them. */
    readonly wrapped?: boolean;
  }[];
}

const file = join(import.meta.dirname, '../../../fixtures/tokenizer/components.json.gz');
const { texts, rows }: Reference = JSON.parse(gunzipSync(readFileSync(file)).toString('utf8'));

function load({ part, json }: Reference['rows'][number]): TextTokenizer {
  return TextTokenizer.fromJson(part === 'tokenizer' ? json : tokenizerJson({ [part]: json }));
}

/** Every object with a type in a JSON value, and the keys that it has. */
function* components(value: unknown): Generator<readonly [type: string, keys: readonly string[]]> {
  if (typeof value !== 'object' || value === null) return;
  if ('type' in value && typeof value.type === 'string') yield [value.type, Object.keys(value)];
  for (const inner of Object.values(value)) yield* components(inner);
}

describe('a component of tokenizer.json', () => {
  it.each(rows.map((row) => [row.part, row.name, row] as const))(
    'gives what the Rust library gives: %s %s',
    (_part, _name, row) => {
      const tokenizer = load(row);
      const ids = (text: string) =>
        row.wrapped ? tokenizer.encodeWithSpecialTokens(text) : tokenizer.encode(text);
      const got = texts.map((text) => (row.words ? tokenizer.words(text) : ids(text)));
      expect(got).toEqual(row.words ?? row.ids);
    },
  );

  const tables: Record<string, ComponentTable<unknown>> = {
    normalizer: normalizers,
    pre_tokenizer: preTokenizers,
    model: models,
    post_processor: postProcessors,
  };
  const seen = new Map<string, Set<string>>();
  for (const { part, json } of rows) {
    for (const key of part === 'tokenizer' ? Object.keys(tables) : [part]) {
      for (const [type, keys] of components(part === 'tokenizer' ? json[key] : json)) {
        const name = `${key} ${type}`;
        seen.set(name, new Set([...(seen.get(name) ?? []), ...keys]));
      }
    }
  }

  it.each(
    Object.entries(tables).flatMap(([key, table]) =>
      Object.entries(table).map(([type, { attributes }]) => [key, type, attributes] as const),
    ),
  )(
    'is compared with the Rust library in each of its attributes: %s %s',
    (key, type, attributes) => {
      const compared = seen.get(`${key} ${type}`) ?? new Set();
      // Of a byte-level post-processor only offsets depend, and the library never writes this one.
      const unwritten = key === 'post_processor' && type === 'ByteLevel' ? ['use_regex'] : [];
      const missing = attributes.filter((name) => ![...compared, ...unwritten].includes(name));
      expect(missing).toEqual([]);
    },
  );
});
