import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { describeKeys, loadConfig } from '../../src/config/index.ts';
import { packageRoot } from '../../src/package-root.ts';

const folders = '.ci .github bench configs docs k8s scripts src tests training'.split(' ');
/** Other tests have variables in them that must be refused. */
const isOther = (file: string) => file.startsWith('tests') && !file.endsWith('.long.test.ts');

function filesBelow(folder: string): string[] {
  return readdirSync(join(packageRoot, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((file) => !isOther(file));
}

const texts = [...readdirSync(packageRoot), ...folders.flatMap(filesBelow)].filter(
  (file) => /(\.(json|[jt]s|mjs|ya?ml|md|sh|api|train)|run)$/.test(file) && isText(file),
);

function isText(file: string): boolean {
  const found = statSync(join(packageRoot, file));
  return found.isFile() && found.size < 1_000_000;
}

/** Whole names of variables: what a star or a brace follows stands for several, `=tcp` for one of Kubernetes. */
const variablesIn = (file: string): string[] =>
  readFileSync(join(packageRoot, file), 'utf8').match(/\bMBTI_[A-Z_]*[A-Z]\b(?![*{…]|=tcp)/g) ?? [];

describe('variables that this project speaks of', () => {
  const keys = new Set(describeKeys().map(({ env }) => env));
  const named = new Set(texts.flatMap(variablesIn));

  it('are those of keys, or what the slow tests are told: none is refused', () => {
    expect([...named].some((name) => keys.has(name))).toBe(true);
    const others = [...named].filter((name) => !keys.has(name));
    expect(others).toContain('MBTI_LONG');
    const env = Object.fromEntries(others.map((name) => [name, '1']));
    expect(() => loadConfig({ env })).not.toThrow();
  });
});
