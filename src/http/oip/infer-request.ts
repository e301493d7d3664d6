import { AppError } from '../../errors.ts';
import { type OutputName, outputNames } from '../schemas/protocol.ts';
import { decodeStrings } from './binary.ts';

/** A body that matches the schema InferenceRequest. */
export interface InferBody {
  readonly id?: string;
  readonly parameters?: { readonly binary_data_output?: boolean };
  readonly inputs: readonly [InferInput];
  readonly outputs?: readonly RequestedOutput[];
}

interface InferInput {
  readonly shape: readonly [number];
  readonly parameters?: { readonly binary_data_size?: number };
  readonly data?: TextData;
}

type TextData = readonly (string | TextData)[];

interface RequestedOutput {
  readonly name: OutputName;
  readonly parameters?: { readonly binary_data?: boolean };
}

export interface WantedOutput {
  readonly name: OutputName;
  /** Its values go behind the JSON. */
  readonly isBinary: boolean;
}

/** The texts of a request, as many as its shape says. AppError `invalid_request`. */
export function textsOf({ inputs: [input] }: InferBody, tensors: Buffer): readonly string[] {
  const [count] = input.shape;
  const texts = readTexts(input, tensors);
  if (texts.length === count) return texts;
  throw invalid(`text has ${texts.length} elements: expected ${count}, as its shape says`);
}

/** The outputs that are asked for, in the order of the request. AppError `invalid_request`. */
export function outputsOf({ outputs = [], parameters }: InferBody): WantedOutput[] {
  const byDefault = parameters?.binary_data_output ?? false;
  if (outputs.length === 0) return outputNames.map((name) => ({ name, isBinary: byDefault }));
  const names = outputs.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw invalid(`outputs asks for ${twice} twice`);
  return outputs.map(({ name, parameters }) => ({
    name,
    isBinary: parameters?.binary_data ?? byDefault,
  }));
}

function readTexts({ data, shape, parameters }: InferInput, tensors: Buffer): readonly string[] {
  const size = parameters?.binary_data_size;
  if (data === undefined && size === undefined) {
    throw invalid('text has neither data nor parameters.binary_data_size: expected one');
  }
  if (data !== undefined && size !== undefined) {
    throw invalid('text has both data and parameters.binary_data_size: expected one');
  }
  if (tensors.length !== (size ?? 0)) {
    throw invalid(
      `the binary data are ${tensors.length} bytes: expected ${size ?? 0}, the sum of binary_data_size`,
    );
  }
  if (data === undefined) return decodeStrings(tensors, 'text', shape[0]);
  return flatten(data);
}

/** Row by row. */
function flatten(data: TextData): string[] {
  return data.flatMap((item) => (typeof item === 'string' ? [item] : flatten(item)));
}

function invalid(message: string): AppError {
  return new AppError('invalid_request', message);
}
