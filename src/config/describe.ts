import { environmentVariable, keys } from './schema.ts';

/** A key for a person to read. */
export interface KeyDescription {
  readonly path: string;
  readonly doc: string;
  readonly allowed: string;
  /** JSON. */
  readonly default: string;
  readonly env: string;
}

/** Every key, or those of some sections (`train`), in the schema's order. */
export function describeKeys(sections?: readonly string[]): KeyDescription[] {
  return [...keys]
    .filter(([path]) => !sections || sections.includes(path.split('.')[0] ?? path))
    .map(([path, key]) => ({
      path,
      doc: key.doc,
      allowed: key.format.allowed,
      default: JSON.stringify(key.default),
      env: environmentVariable(path),
    }));
}

/** The keys as lines for `--help`: path and default, then what it is for. */
export function keyHelp(sections?: readonly string[]): string {
  const described = describeKeys(sections);
  const width = Math.max(...described.map(({ path }) => path.length));
  return described
    .map((key) => `  ${key.path.padEnd(width)}  ${key.doc} [${key.default}]`)
    .join('\n');
}
