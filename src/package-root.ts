import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The nearest folder above this file that holds a package.json: the same from `src/` and from `dist/src/`. */
function findPackageRoot(from: string): string {
  return existsSync(join(from, 'package.json')) ? from : findPackageRoot(dirname(from));
}

/** The installed package's folder, which holds `configs/` and `data/`. */
export const packageRoot: string = findPackageRoot(dirname(fileURLToPath(import.meta.url)));

const manifest: { version: string } = JSON.parse(
  readFileSync(join(packageRoot, 'package.json'), 'utf8'),
);

export const packageVersion: string = manifest.version;

const require = createRequire(import.meta.url);

/**
 * The version of a dependency as it is installed; undefined where it is not. Read from the file, because
 * packages may not export their package.json, and without loading the package.
 */
export function installedVersion(name: string): string | undefined {
  for (const folder of require.resolve.paths(name) ?? []) {
    try {
      const text = readFileSync(join(folder, name, 'package.json'), 'utf8');
      const { version }: { version?: unknown } = JSON.parse(text);
      return typeof version === 'string' ? version : undefined;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}
