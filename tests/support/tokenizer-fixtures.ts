import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { tokenizerJson } from './tokenizer-json.ts';

/** The `tokenizer.json` files, as text, that every component and every model is compared by. */
export function tokenizersOfEveryKind(): string[] {
  const file = join(import.meta.dirname, '../fixtures/tokenizer/components.json.gz');
  const { rows } = JSON.parse(gunzipSync(readFileSync(file)).toString('utf8')) as {
    readonly rows: readonly { readonly part: string; readonly json: Record<string, unknown> }[];
  };
  return rows.map(({ part, json }) =>
    JSON.stringify(part === 'tokenizer' ? json : tokenizerJson({ [part]: json })),
  );
}
