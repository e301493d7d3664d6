import { readFileSync } from 'node:fs';

/** Of every operator its attributes and their defaults, as the ONNX schemas have them. */
const table: Readonly<Record<string, Readonly<Record<string, unknown>>>> = JSON.parse(
  readFileSync(new URL('../fixtures/attributes.json', import.meta.url), 'utf8'),
);

/** An operator's attributes and their defaults, null where there is none. */
export function attributesOfOperator(key: string): Readonly<Record<string, unknown>> {
  const known = table[key];
  if (known === undefined) throw new Error(`the ONNX schemas have no operator ${key}`);
  return known;
}

export const operatorsWithSchema: readonly string[] = Object.keys(table);
