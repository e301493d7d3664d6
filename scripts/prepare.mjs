// Builds, so that the bins work right after `npm ci`; installs the git hooks in a developer's checkout.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const run = (bin, ...args) =>
  spawnSync(process.execPath, [`node_modules/${bin}`, ...args], { stdio: 'inherit' }).status ?? 1;

const status = run('typescript/bin/tsc', '-b');
if (status !== 0) process.exit(status);
if (existsSync('.git') && !process.env.CI) run('lefthook/bin/index.js', 'install');
