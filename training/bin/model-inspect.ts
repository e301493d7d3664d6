import { statSync } from 'node:fs';
import type { Argv } from 'yargs';
import { inspectionReport, inspectModel } from '../inspect/index.ts';
import { readModel } from '../onnx/codec/index.ts';

export interface InspectArguments {
  readonly file: string;
  readonly json: boolean;
}

export function inspectOptions<T>(command: Argv<T>): Argv<T & InspectArguments> {
  return command
    .positional('file', { type: 'string', demandOption: true, describe: 'The .onnx file' })
    .option('json', { type: 'boolean', default: false, describe: 'Print one JSON object' })
    .example('$0 inspect models/mbti/onnx/model.onnx', '');
}

export async function inspect({ file, json }: InspectArguments): Promise<void> {
  const description = inspectModel(await readModel(file));
  const size = statSync(file).size;
  const text = json
    ? JSON.stringify({ file, size, ...description }, null, 2)
    : inspectionReport(file, size, description);
  process.stdout.write(`${text}\n`);
}
