import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { packageRoot } from '../../src/package-root.ts';

interface Locked {
  readonly version?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly hasInstallScript?: boolean;
}

const read = (name: string) => JSON.parse(readFileSync(join(packageRoot, name), 'utf8'));
const locked: Record<string, Locked> = read('package-lock.json').packages;

/** Whether a package that stands at `place` finds `name`, there or in a folder above. */
function finds(place: string, name: string): boolean {
  if (`${place === '' ? '' : `${place}/`}node_modules/${name}` in locked) return true;
  if (place === '') return false;
  return finds(place.slice(0, Math.max(place.lastIndexOf('/node_modules/'), 0)), name);
}

describe('package-lock.json', () => {
  it('holds the optional packages of every platform, without which npm ci refuses it', () => {
    const missing = Object.entries(locked).flatMap(([place, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter((name) => !finds(place, name)),
    );
    expect(missing).toEqual([]);
  });

  it('has a yes or no in allowScripts for every package with an install script', () => {
    const scripted = Object.entries(locked)
      .filter(([, { hasInstallScript }]) => hasInstallScript)
      .map(([place]) => place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length));
    const { allowScripts } = read('package.json');
    expect(Object.keys(allowScripts)).toEqual(expect.arrayContaining([...new Set(scripted)]));
  });
});
