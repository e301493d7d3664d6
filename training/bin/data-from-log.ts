import type { Argv } from 'yargs';
import { loadConfig } from '../../src/config/index.ts';
import { AppError } from '../../src/errors.ts';
import { trainingDataFromLog } from '../data/from-log.ts';

export interface FromLogArguments {
  readonly config: string | undefined;
  readonly overrides: readonly string[];
  readonly log: readonly string[];
  readonly out: string;
  readonly minConfidence: number;
}

export function fromLogOptions<T>(command: Argv<T>): Argv<T & FromLogArguments> {
  return command
    .option('log', {
      type: 'string',
      array: true,
      nargs: 1,
      demandOption: true,
      describe: 'A file of the log; may be repeated',
    })
    .option('out', {
      type: 'string',
      demandOption: true,
      requiresArg: true,
      describe: 'The CSV file to write',
    })
    .option('min-confidence', {
      type: 'number',
      default: 0.5,
      requiresArg: true,
      describe: 'Leave out texts whose likelier label is less probable, on any axis',
    })
    .example('$0 from-log --log predictions.jsonl --out logged.csv', '') as unknown as Argv<
    T & FromLogArguments
  >;
}

export async function fromLog(args: FromLogArguments): Promise<void> {
  const { config } = loadConfig({ file: args.config, overrides: args.overrides });
  const { log: logs, out, minConfidence } = args;
  if (!(minConfidence >= 0 && minConfidence <= 1)) {
    throw new AppError('usage', `--min-confidence is ${minConfidence}: expected 0 to 1`);
  }
  const report = await trainingDataFromLog(config.task, { logs, out, minConfidence });
  const { kept, withoutText, unsure, otherTask, unreadable } = report;
  process.stdout.write(
    `wrote ${kept} texts to ${out}\n` +
      `left out: ${withoutText} without text, ${unsure} unsure, ${otherTask} of another task, ${unreadable} unreadable\n` +
      'the labels are what was predicted: have somebody look at them before training on them\n',
  );
}
