#!/usr/bin/env node
import { join } from 'node:path';
import type { Argv } from 'yargs';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { runCommand, strictArguments } from '../../src/bin/run-command.ts';
import { keyHelp, loadConfig } from '../../src/config/index.ts';
import { AppError } from '../../src/errors.ts';
import { writeFileAtomically } from '../../src/files/index.ts';
import { packageVersion } from '../../src/package-root.ts';
import { learntTokenizer, loadCorpus } from '../data/corpus.ts';
import { prepareData } from '../data/prepare.ts';
import { sampleCsv } from '../data/sample/writer.ts';
import { dataWarnings } from '../evaluate/index.ts';
import { inPhase, whileWaiting } from '../tracking/index.ts';
import { type FromLogArguments, fromLog, fromLogOptions } from './data-from-log.ts';

interface ConfigArguments {
  readonly config: string | undefined;
  readonly overrides: readonly string[];
}

const MOST_ROWS = 1_000_000;

function withConfig<T>(parser: Argv<T>): Argv<T & ConfigArguments> {
  return parser
    .positional('overrides', {
      type: 'string',
      array: true,
      default: [] as string[],
      describe: 'key=value: settings that come before those of files and environment',
    })
    .option('config', { type: 'string', requiresArg: true, describe: 'The configuration file' })
    .epilogue(
      `Keys of key=value, with their defaults:\n${keyHelp(['seed', 'task', 'data', 'model'])}`,
    );
}

const reading = { label: 'read', unit: 'rows' };

async function prepare({ config: file, overrides }: ConfigArguments): Promise<void> {
  const { config, resolved } = loadConfig({ file, overrides });
  const report = await inPhase(process.stderr, reading, (at) => prepareData(config, resolved, at));
  const { splits, dropped } = report;
  const left = dropped.too_short + dropped.duplicates + dropped.conflicting;
  print(
    `${report.kept} of ${report.rows} rows of ${report.source}: ${splits.train.rows} train, ` +
      `${splits.validation.rows} validation, ${splits.test.rows} test (${left} left out)`,
    `${report.masked_type_names} type names masked`,
    ...dataWarnings(splits).map((warning) => `warning: ${warning}`),
    `wrote ${config.data.dir}`,
  );
}

interface TokenizerArguments extends ConfigArguments {
  readonly out: string;
}

async function tokenizer(args: TokenizerArguments): Promise<void> {
  const { config } = loadConfig({ file: args.config, overrides: args.overrides });
  const { splits } = await inPhase(process.stderr, reading, (at) =>
    loadCorpus(config, undefined, at),
  );
  const learning = { label: 'tokenizer', what: 'learning it' };
  const learnt = await whileWaiting(process.stderr, learning, () =>
    learntTokenizer(splits.train, config.model.vocab_size),
  );
  await writeFileAtomically(join(args.out, 'tokenizer_config.json'), learnt.tokenizerConfig);
  await writeFileAtomically(join(args.out, 'tokenizer.json'), learnt.tokenizerJson);
  print(`wrote ${learnt.tokenizer.vocabularySize} word pieces to ${args.out}`);
}

interface SampleArguments {
  readonly rows: number;
  readonly seed: number;
  readonly out: string;
}

async function sample({ rows, seed, out }: SampleArguments): Promise<void> {
  requireInteger('--rows', rows, 1, MOST_ROWS);
  requireInteger('--seed', seed, 0, 2 ** 32 - 1);
  await writeFileAtomically(out, sampleCsv(rows, seed));
  print(`wrote ${rows} synthetic rows to ${out}`);
}

function requireInteger(flag: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new AppError('usage', `${flag} is ${value}: expected an integer from ${least} to ${most}`);
}

function print(...lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}

async function main(): Promise<void> {
  const parser = strictArguments(yargs(hideBin(process.argv)), packageVersion)
    .scriptName('mbti-data')
    .usage('$0 <command>\n\nPrepares data for training.')
    .command<ConfigArguments>(
      'prepare [overrides..]',
      'Read data.source, clean, split and write data.dir (train, validation, test, tokenizer, report)',
      (command) =>
        withConfig(command).example(
          '$0 prepare --config configs/quick.json data.source=mbti_1.csv',
          'Prepare the data of another corpus',
        ),
      prepare,
    )
    .command<TokenizerArguments>(
      'tokenizer [overrides..]',
      'Learn a WordPiece tokenizer of model.vocab_size pieces from the training texts',
      (command) =>
        withConfig(command)
          .option('out', {
            type: 'string',
            demandOption: true,
            requiresArg: true,
            describe: 'The folder for tokenizer.json and tokenizer_config.json',
          })
          .example('$0 tokenizer --config configs/quick.json --out tokenizer', ''),
      tokenizer,
    )
    .command<FromLogArguments>(
      'from-log [overrides..]',
      'Turn a server’s log of predictions (prediction_log.file) into a CSV file of the task',
      (command) => fromLogOptions(withConfig(command)),
      fromLog,
    )
    .command<SampleArguments>(
      'sample',
      'Write the synthetic sample corpus (columns type, posts): invented, about no real person',
      (command) =>
        command
          .option('rows', {
            type: 'number',
            default: 3000,
            requiresArg: true,
            describe: 'How many',
          })
          .option('seed', {
            type: 'number',
            default: 42,
            requiresArg: true,
            describe: 'The same seed and rows give the same file',
          })
          .option('out', {
            type: 'string',
            demandOption: true,
            requiresArg: true,
            describe: 'The CSV file to write',
          })
          .example('$0 sample --rows 500 --seed 7 --out small.csv', ''),
      sample,
    )
    .demandCommand(1, 'no command: expected prepare, tokenizer, from-log or sample');
  await parser.parseAsync();
}

await runCommand(main);
