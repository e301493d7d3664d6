import { execFileSync, spawn } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { planted } from './faults.mjs';

/**
 * A copy of the tracked and new files, so that no fault ever stands in the checkout itself. It lies inside of the
 * checkout, from where packages are found.
 */
export function openSandbox(root) {
  const dir = mkdtempSync(join(root, '.mutate-'));
  const listed = execFileSync(
    'git',
    ['ls-files', '-z', '--cached', '--others', '--exclude-standard'],
    {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 1e8,
    },
  );
  for (const file of listed.split('\0').filter(Boolean)) {
    mkdirSync(dirname(join(dir, file)), { recursive: true });
    cpSync(join(root, file), join(dir, file), { force: true });
  }
  // Packages are found from above, too, but some are asked for by their path.
  symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'));
  return {
    dir,
    /** Plants a fault while `use` runs. */
    async with(fault, use) {
      const path = join(dir, fault.file);
      const source = readFileSync(path, 'utf8');
      writeFileSync(path, planted(source, fault));
      try {
        return await use();
      } finally {
        writeFileSync(path, source);
      }
    },
    close: () => rmSync(dir, { recursive: true, force: true }),
  };
}

/** Runs a command to its end, or kills it and its children after `limit` seconds. */
export function run(command, args, { cwd, env, limit }) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (piece) => (output += piece));
    const timer = setTimeout(() => {
      process.kill(-child.pid, 'SIGKILL');
      output += `\nkilled after ${limit} s`;
    }, limit * 1000);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code: code ?? 1, output });
    });
  });
}
