import { existsSync, readFileSync } from 'node:fs';
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
