import { constants } from 'node:fs';
import { cp, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { type Bundle, MANIFEST_FILE, type Manifest } from '../../src/bundle/index.ts';
import { AppError, writeError } from '../../src/errors.ts';
import { readJsonFile, replaceFolder } from '../../src/files/index.ts';
import { describeFolder, placeFile, requireBundle } from './write.ts';

/**
 * Replaces files of a bundle and what its manifest says, and writes the card again, all at once: whoever reads the
 * bundle meanwhile sees the old one or the new one. Other files in its folder stay. AppError `write_failed`, or
 * `bundle_invalid` where somebody else has changed the bundle since it was read; nothing has then changed.
 */
export async function updateBundle(
  { dir, manifest: read }: Bundle,
  changed: Readonly<Record<string, Uint8Array>>,
  change: (manifest: Manifest) => Manifest,
): Promise<Manifest> {
  let written = read;
  try {
    // A link to a bundle goes on pointing at it.
    const folder = await realpath(dir);
    await replaceFolder(folder, requireBundle(dir), async (temporary) => {
      const mode = constants.COPYFILE_FICLONE;
      await cp(folder, temporary, { recursive: true, dereference: true, mode });
      const files = { ...read.files };
      for (const [name, bytes] of Object.entries(changed)) {
        files[name] = await placeFile(join(temporary, name), bytes);
      }
      written = await describeFolder(temporary, { ...change(read), files });
      requireUnchanged(folder, read);
    });
  } catch (cause) {
    throw writeError(`the bundle ${dir}`, cause);
  }
  return written;
}

function requireUnchanged(folder: string, read: Manifest): void {
  const now = readJsonFile(join(folder, MANIFEST_FILE), { invalid: 'bundle_invalid' });
  if (JSON.stringify(now) === JSON.stringify(read)) return;
  throw new AppError('bundle_invalid', `${folder} was replaced while its files were made`, {
    hint: 'run the command again: it then works on the new bundle',
  });
}
