import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { packageVersion } from '../../src/package-root.ts';

const require = createRequire(import.meta.url);

/** Packages whose versions decide numbers. */
const deciding = ['onnxruntime-node', '@huggingface/tokenizers'];

/** Versions by name: of this package, of those that decide numbers, and of Node. */
export function packageVersions(): Record<string, string> {
  const versions = deciding.flatMap((name): [string, string][] => {
    const version = installedVersion(name);
    return version === undefined ? [] : [[name, version]];
  });
  return {
    'mbti-onnx': packageVersion,
    ...Object.fromEntries(versions),
    node: process.versions.node,
  };
}

/** The commit that the current directory has checked out; undefined outside of a repository. */
export function gitCommit(): string | undefined {
  try {
    const commit = execFileSync('git', ['rev-parse', '--verify', '-q', 'HEAD'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 5000,
    }).trim();
    return /^[0-9a-f]{40,64}$/.test(commit) ? commit : undefined;
  } catch {
    return undefined;
  }
}

/** Read from the file, because packages may not export their package.json. */
function installedVersion(name: string): string | undefined {
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
