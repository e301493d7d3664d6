import { stat } from 'node:fs/promises';
import { hashFile } from '../bundle/index.ts';
import { AppError } from '../errors.ts';

/** A file of a bundle as it was when its contents were verified; plain JSON. */
export interface VerifiedFile {
  /** Absolute. */
  readonly path: string;
  /** Lower-case hex. */
  readonly sha256: string;
  /** Of `stampOf`, from before the contents were read. */
  readonly stamp: string;
}

/** What changes when a file is written or another one takes its name; no two files that are missing differ. */
export async function stampOf(path: string): Promise<string> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found ? `${found.dev}:${found.ino}:${found.size}:${found.mtimeNs}` : 'missing';
}

/**
 * Called after files were loaded: what was loaded is what was verified. A file is read again only
 * where its stamp has changed. AppError `bundle_invalid` naming the file.
 */
export async function refuseChanged(files: readonly VerifiedFile[]): Promise<void> {
  for (const { path, sha256, stamp } of files) {
    if (stamp !== 'missing' && (await stampOf(path)) === stamp) continue;
    if ((await hashFile(path).catch(() => undefined)) === sha256) continue;
    throw new AppError('bundle_invalid', `${path} has changed since the bundle was verified`, {
      hint: 'reload the bundle: send SIGHUP to mbti-serve',
    });
  }
}
