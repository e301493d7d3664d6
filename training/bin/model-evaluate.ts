import type { Argv } from 'yargs';
import { type Precision, readBundle } from '../../src/bundle/index.ts';
import { evaluationTable } from '../evaluate/index.ts';
import { evaluateBundle } from '../recipes/evaluate-bundle.ts';
import { whileWaiting } from '../tracking/index.ts';

export interface EvaluateArguments {
  readonly model: string;
  readonly data: string;
  readonly textColumn: string | undefined;
  readonly labelColumn: string | undefined;
  readonly precision: Precision;
  readonly json: boolean;
}

export function evaluateOptions<T>(command: Argv<T>): Argv<T & EvaluateArguments> {
  const text = { type: 'string', requiresArg: true } as const;
  return command
    .option('model', { ...text, demandOption: true, describe: 'The bundle, a folder' })
    .option('data', {
      ...text,
      demandOption: true,
      describe: 'A file of labelled texts: CSV, .tsv, .jsonl or .json',
    })
    .option('text-column', { ...text, describe: "The text's column [the one trained on]" })
    .option('label-column', { ...text, describe: "The labels' column [the one trained on]" })
    .option('precision', {
      choices: ['fp32', 'int8', 'fp16'] as const,
      default: 'fp32' as const,
      requiresArg: true,
      describe: 'Which of its files',
    })
    .option('json', { type: 'boolean', default: false, describe: 'Print one JSON object' })
    .example('$0 evaluate --model models/mbti --data mbti_1.csv', '') as unknown as Argv<
    T & EvaluateArguments
  >;
}

export async function evaluate(args: EvaluateArguments): Promise<void> {
  const loading = { label: 'load', what: args.model };
  const bundle = await whileWaiting(process.stderr, loading, () => readBundle(args.model));
  const { evaluation, majority, warnings } = await evaluateBundle(bundle, args, process.stderr);
  for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
  const text = args.json
    ? JSON.stringify({ ...evaluation, baselines: { majority }, warnings }, null, 2)
    : evaluationTable(evaluation, majority);
  process.stdout.write(`${text}\n`);
}
