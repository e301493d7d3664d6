import { execFileSync } from 'node:child_process';
import { installedVersion, packageVersion } from '../../../src/package-root.ts';

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
