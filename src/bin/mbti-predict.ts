#!/usr/bin/env node
import { once } from 'node:events';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { inShard, openInput, parseShard, predictRecords } from '../bulk/index.ts';
import type { Manifest } from '../bundle/index.ts';
import { type Config, loadConfig } from '../config/index.ts';
import { EnginePool } from '../engine/index.ts';
import { AppError } from '../errors.ts';
import { type Format, formats } from '../files/index.ts';
import { openModel } from '../models/index.ts';
import { packageVersion } from '../package-root.ts';
import { Scheduler } from '../scheduler/index.ts';
import { startLimit } from '../time-limit.ts';
import { runCommand, strictArguments } from './run-command.ts';

interface PredictArguments {
  readonly file: string | undefined;
  readonly model: string | undefined;
  readonly text: readonly string[] | undefined;
  readonly format: Format | undefined;
  readonly column: string | undefined;
  readonly onError: 'fail' | 'skip';
  readonly shard: string | undefined;
  readonly workers: string | undefined;
  readonly precision: string | undefined;
  readonly verbose: boolean;
}

/** Texts with the engines, for each of them: the next one is there when an engine is free. */
const AHEAD = 4;
/** The same where texts are computed together: two batches of short ones. */
const AHEAD_OF_BATCHES = 256;
/** No text of a file waits for its turn in vain. */
const NO_DEADLINE_MS = 2 ** 31 - 1;

const text = { type: 'string', requiresArg: true } as const;

async function main(): Promise<void> {
  await strictArguments(yargs(hideBin(process.argv)), packageVersion)
    .scriptName('mbti-predict')
    .command<PredictArguments>(
      '$0 [file]',
      'Scores texts with a model bundle, without a server: JSON lines on standard output, in order',
      (command) =>
        command
          .positional('file', { type: 'string', describe: 'The texts; - for standard input' })
          .option('model', { ...text, describe: 'The bundle [model.out, that is models/mbti]' })
          .option('text', {
            ...text,
            array: true,
            describe: 'A text, instead of a file; repeatable',
          })
          .option('format', {
            choices: formats,
            requiresArg: true,
            describe:
              "One text a line, CSV or TSV with a header, or JSON lines [by the file's name]",
          })
          .option('column', {
            ...text,
            describe: "The texts' column of CSV or TSV, or key of JSON objects [the task's; text]",
          })
          .option('on-error', {
            choices: ['fail', 'skip'] as const,
            default: 'fail' as const,
            requiresArg: true,
            describe: 'What a line that holds no usable text does: end it, or be reported',
          })
          .option('shard', { ...text, describe: 'i/n: every n-th text from the i-th on, i from 0' })
          .option('workers', { ...text, describe: 'Inference processes [one for each core]' })
          .option('precision', { ...text, describe: 'auto, int8, fp32 or fp16 [auto]' })
          .example('$0 --model models/mbti --text "I like quiet evenings with a book"', '')
          .example('$0 --model models/mbti posts.csv --column posts > scores.jsonl', '')
          .example('zcat posts.jsonl.gz | $0 --model models/mbti - --format jsonl', ''),
      predict,
    )
    .parseAsync();
}

async function predict(args: PredictArguments): Promise<void> {
  const { config } = loadConfig({
    flags: {
      'model.out': args.model,
      'server.workers': args.workers,
      'runtime.precision': args.precision,
    },
  });
  const shard = args.shard === undefined ? undefined : parseShard(args.shard);
  // yargs makes nothing of a lone dash.
  const input = openInput({ ...args, file: args.file === '' ? '-' : args.file }, process.stdin);
  const { bundle, spec, model } = await openModel({ dir: config.model.out }, config, args.verbose);
  const records = input.records({
    learntColumn: textColumn(bundle.manifest),
    maxBytes: config.limits.max_body_bytes,
  });
  const pool = new EnginePool({ spec, size: config.server.workers });
  const over = new AbortController();
  try {
    await startLimit(config.models.load_timeout_ms)(pool.ready, `loading ${config.model.out}`);
    const { scored, skipped } = await predictRecords({
      records: shard ? inShard(records, shard) : records,
      model,
      ...engines(pool, spec.batchTokens > 0, config, over.signal),
      write: writeOut,
      screen: process.stderr,
      skipsBad: args.onError === 'skip',
      totalBytes: input.totalBytes,
      bytesRead: input.bytesRead,
      placeOf: input.placeOf,
    });
    if (skipped > 0) process.stderr.write(`${scored} texts scored, ${skipped} lines skipped\n`);
  } finally {
    // What was read ahead of a line that ended it all is given up.
    over.abort();
    await pool.stop();
  }
}

function engines(pool: EnginePool, batched: boolean, { queue }: Config, signal: AbortSignal) {
  const ahead = (batched ? AHEAD_OF_BATCHES : AHEAD) * pool.size;
  const scheduler = new Scheduler({
    engines: pool,
    maxDepth: Math.max(queue.max_depth, ahead + 1),
  });
  return {
    ahead,
    score: async (content: string) => {
      const [scored] = await scheduler.submit([content], { timeoutMs: NO_DEADLINE_MS, signal });
      if (scored === undefined) throw new AppError('internal', 'a text came to no score');
      return scored;
    },
  };
}

/** The column that the task was learnt from, where the bundle tells. */
function textColumn({ task }: Manifest): string | undefined {
  const learnt: unknown = 'text_column' in task ? task.text_column : undefined;
  return typeof learnt === 'string' ? learnt : undefined;
}

async function writeOut(line: string): Promise<void> {
  if (!process.stdout.write(line)) await once(process.stdout, 'drain');
}

await runCommand(main);
