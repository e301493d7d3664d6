import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { packageRoot } from '../../src/package-root.ts';

interface Locked {
  readonly integrity?: string;
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly hasInstallScript?: boolean;
}

const read = (name: string) => JSON.parse(readFileSync(join(packageRoot, name), 'utf8'));
const locked: Record<string, Locked> = read('package-lock.json').packages;
const dependencies = Object.entries(locked).filter(([place]) => place !== '');
const allowScripts: Record<string, boolean> = read('package.json').allowScripts;

const nameOf = (place: string) =>
  place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length);
const placesWhere = (holds: (entry: Locked) => boolean) =>
  dependencies.filter(([, entry]) => holds(entry)).map(([place]) => place);

/** Whether a package that stands at `place` finds `name`, there or in a folder above. */
function finds(place: string, name: string): boolean {
  if (`${place === '' ? '' : `${place}/`}node_modules/${name}` in locked) return true;
  if (place === '') return false;
  return finds(place.slice(0, Math.max(place.lastIndexOf('/node_modules/'), 0)), name);
}

/** Whether npm would run something when the package that is installed at `place` is installed. */
function runsAtInstallation(place: string): boolean {
  const folder = join(packageRoot, place);
  if (!existsSync(folder)) return false;
  const { scripts = {} } = read(join(place, 'package.json'));
  const named = ['preinstall', 'install', 'postinstall'].some((script) => script in scripts);
  return named || existsSync(join(folder, 'binding.gyp'));
}

describe('package-lock.json', () => {
  it('holds the optional packages of every platform, without which npm ci refuses it', () => {
    const missing = Object.entries(locked).flatMap(([place, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter((name) => !finds(place, name)),
    );
    expect(missing).toEqual([]);
  });

  it('holds the hash of every package, also of those for other platforms', () => {
    expect(placesWhere(({ integrity = '' }) => !/^sha512-[\w+/]{86}==$/.test(integrity))).toEqual(
      [],
    );
  });

  it('names no registry, so that everyone installs from their own', () => {
    expect(placesWhere(({ resolved }) => resolved !== undefined)).toEqual([]);
  });

  // npm before 11 knows no allowScripts; it runs scripts only where the lock file says that there are some.
  // npm writes the key again whenever it renews an entry: take it out where allowScripts says no.
  it('says of no package that allowScripts refuses that it has an install script', () => {
    const scripted = placesWhere(({ hasInstallScript }) => hasInstallScript === true);
    expect(scripted.filter((place) => allowScripts[nameOf(place)] !== true)).toEqual([]);
  });
});

describe('allowScripts of package.json', () => {
  it('has a yes or no for every installed package with an install script, and for no other', () => {
    const scripted = dependencies.map(([place]) => place).filter(runsAtInstallation);
    expect(Object.keys(allowScripts).sort()).toEqual([...new Set(scripted.map(nameOf))].sort());
  });
});
