#!/usr/bin/env node
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { runCommand, strictArguments } from '../../src/bin/run-command.ts';
import { keyHelp, type LoadedConfig, loadConfig } from '../../src/config/index.ts';
import { AppError } from '../../src/errors.ts';
import { packageVersion } from '../../src/package-root.ts';
import type { Start } from '../recipes/run/folder.ts';
import { loadRun } from '../recipes/run/resume.ts';
import { stopOnSignals } from '../recipes/run/stop-signal.ts';

const sections = [
  'seed',
  'run',
  'task',
  'data',
  'model',
  'train',
  'explain',
  'quantize',
  'runtime',
];

interface TrainArguments {
  readonly config: string | undefined;
  readonly resume: string | undefined;
  readonly continue: boolean;
  readonly overwrite: boolean;
  readonly verbose: boolean;
  readonly overrides: readonly string[];
}

async function train(given: TrainArguments): Promise<void> {
  const { config, resume, verbose, overrides } = given;
  const start = startOf(given);
  const loaded = load(config, resume, overrides);
  // Half a second of modules, which neither help nor a mistake in the configuration waits for.
  const { fineTune } = await import('../recipes/fine-tune.ts');
  const stop = stopOnSignals(process, (name) =>
    process.stdout.write(`\n${name}: stopping after the current step\n`),
  );
  try {
    await fineTune(loaded, {
      screen: process.stdout,
      verbose,
      stop: stop.signal,
      start,
    });
  } finally {
    stop.dispose();
  }
}

/** What to do with the run's folder: at most one thing. AppError `usage`. */
function startOf({ resume, continue: goOn, overwrite }: TrainArguments): Start {
  const asked: readonly Start[] = [
    ...(resume === undefined ? [] : ['resume' as const]),
    ...(goOn ? ['continue' as const] : []),
    ...(overwrite ? ['overwrite' as const] : []),
  ];
  const [first = 'begin', second] = asked;
  if (second === undefined) return first;
  throw new AppError('usage', `--${first} and --${second} contradict each other: expected one`, {
    hint: '--resume DIR goes on with the run of a folder, --continue goes on or begins, --overwrite begins anew',
  });
}

function load(
  file: string | undefined,
  resume: string | undefined,
  overrides: readonly string[],
): LoadedConfig {
  if (resume !== undefined) return loadRun(resume, { file, overrides });
  if (file !== undefined) return loadConfig({ file, overrides });
  throw new AppError('usage', 'no configuration: expected --config FILE, or --resume DIR', {
    hint: 'mbti-train --config configs/quick.json trains on the sample data',
  });
}

async function main(): Promise<void> {
  const parser = strictArguments(yargs(hideBin(process.argv)), packageVersion)
    .scriptName('mbti-train')
    .command<TrainArguments>(
      '$0 [overrides..]',
      'Trains a text classifier: data → training → best checkpoint → test metrics → int8 → bundle',
      (command) =>
        command
          .positional('overrides', {
            type: 'string',
            array: true,
            default: [] as string[],
            describe: 'key=value: settings that come before those of files and environment',
          })
          .option('config', {
            type: 'string',
            requiresArg: true,
            describe: 'The configuration file',
          })
          .option('resume', {
            type: 'string',
            requiresArg: true,
            describe: 'The folder of a run that was stopped: goes on from its last checkpoint',
          })
          .option('continue', {
            type: 'boolean',
            default: false,
            describe:
              'Goes on with the run of run.dir, or begins it: the same command after every restart',
          })
          .option('overwrite', {
            type: 'boolean',
            default: false,
            describe: 'Replaces the run that run.dir holds, which is refused otherwise',
          })
          .example('$0 --config configs/quick.json', 'Train on the sample data in under a minute')
          .example(
            '$0 --config configs/quick.json train.epochs=1 run.name=short',
            'Change settings, in a run of its own',
          )
          .example('$0 --config configs/quick.json data.source=my.csv', 'Train on other data')
          .example('$0 --resume runs/mbti', 'Go on with a run that was stopped or killed')
          .epilogue(`Keys of key=value, with their defaults:\n${keyHelp(sections)}`),
      train,
    );
  await parser.parseAsync();
}

await runCommand(main);
