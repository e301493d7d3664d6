// `npm start`: trains the quick configuration if there is no model yet, or goes on with a training that was
// stopped, then serves it. The server runs
// in this very process, so that signals sent to npm reach it.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const built = (name) => fileURLToPath(new URL(`../dist/${name}`, import.meta.url));
const train = built('training/bin/mbti-train.js');
const serve = built('src/bin/mbti-serve.js');
const manifest = 'models/mbti/manifest.json';

/** Runs the training command to its end; its exit code, or 128 + the signal that ended it. */
function runTraining() {
  const child = spawn(process.execPath, [train, '--config', 'configs/quick.json', '--continue'], {
    stdio: 'inherit',
  });
  // On Ctrl-C the terminal sends the child its own signal; here it only must not end this process.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve) => {
    child.on('error', () => resolve(1));
    child.on('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}

async function trainIfNeeded() {
  if (existsSync(manifest)) return 0;
  console.log(`No model at ${manifest} yet: training the quick configuration first.`);
  const code = await runTraining();
  process.removeAllListeners('SIGINT').removeAllListeners('SIGTERM');
  // A bundle whose int8 file was refused is there all the same, in fp32.
  if (existsSync(manifest)) return 0;
  console.error(`Training ended with exit code ${code}: nothing to serve.`);
  return code;
}

if (existsSync(serve)) {
  const code = await trainIfNeeded();
  if (code === 0) await import(serve);
  else process.exitCode = code;
} else {
  console.error('The programs are not built yet. Run: npm ci');
  process.exitCode = 1;
}
