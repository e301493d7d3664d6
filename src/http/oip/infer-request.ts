import { AppError } from '../../errors.ts';
import { shown } from '../../files/index.ts';
import { type OutputName, outputNames } from '../schemas/protocol.ts';
import { decodeStrings } from './binary.ts';

/** What clients may leave out or send as null. */
type Optional<T> = T | null;

/** A body that matches the schema InferenceRequest. */
export interface InferBody {
  readonly id?: Optional<string>;
  readonly model_name?: Optional<string>;
  readonly model_version?: Optional<string>;
  readonly parameters?: Optional<{ readonly binary_data_output?: Optional<boolean> }>;
  readonly inputs: readonly [InferInput];
  readonly outputs?: Optional<readonly RequestedOutput[]>;
}

interface InferInput {
  readonly shape: readonly [number, number?];
  readonly parameters?: Optional<{ readonly binary_data_size?: Optional<number> }>;
  readonly data?: Optional<TextData>;
}

type TextData = readonly (string | TextData)[];

interface RequestedOutput {
  readonly name: OutputName;
  readonly parameters?: Optional<{ readonly binary_data?: Optional<boolean> }>;
}

export interface WantedOutput {
  readonly name: OutputName;
  /** Its values go behind the JSON. */
  readonly isBinary: boolean;
}

/** AppError `invalid_request` where a body names another model or version than the one that answers. */
export function checkNamed(body: InferBody, model: { name: string; version: string }): void {
  const { model_name: name, model_version: version } = body;
  if (typeof name === 'string' && name !== model.name) {
    throw invalid(
      `model_name is ${shown(name)}, but the path names ${shown(model.name)}: expected the same or none`,
    );
  }
  // Empty is how some clients say that any version will do.
  if (version && version !== model.version) {
    throw invalid(
      `model_version is ${shown(version)}, but ${shown(model.version)} answers at this path: expected the same or none`,
    );
  }
}

/** The texts of a request, as many as its shape says. AppError `invalid_request`. */
export function textsOf({ inputs: [input] }: InferBody, tensors: Buffer): readonly string[] {
  const [count, columns = 1] = input.shape;
  if (columns !== 1) {
    throw invalid(`inputs[0].shape is [${count}, ${columns}]: expected [n] or [n, 1]`);
  }
  const texts = readTexts(input, tensors);
  if (texts.length === count) return texts;
  throw invalid(`text has ${texts.length} elements: expected ${count}, as its shape says`);
}

/** The outputs that are asked for, in the order of the request. AppError `invalid_request`. */
export function outputsOf({ outputs, parameters }: InferBody): WantedOutput[] {
  const byDefault = parameters?.binary_data_output ?? false;
  if (!outputs?.length) return outputNames.map((name) => ({ name, isBinary: byDefault }));
  const names = outputs.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw invalid(`outputs asks for ${twice} twice`);
  return outputs.map(({ name, parameters }) => ({
    name,
    isBinary: parameters?.binary_data ?? byDefault,
  }));
}

function readTexts({ data, shape, parameters }: InferInput, tensors: Buffer): readonly string[] {
  const size = parameters?.binary_data_size ?? undefined;
  const isInBody = Array.isArray(data);
  if (!isInBody && size === undefined) {
    throw invalid('text has neither data nor parameters.binary_data_size: expected one');
  }
  if (isInBody && size !== undefined) {
    throw invalid('text has both data and parameters.binary_data_size: expected one');
  }
  if (tensors.length !== (size ?? 0)) {
    throw invalid(
      `the binary data are ${tensors.length} bytes: expected ${size ?? 0}, the sum of binary_data_size`,
    );
  }
  return isInBody ? flatten(data) : decodeStrings(tensors, 'text', shape[0]);
}

/** Row by row. */
function flatten(data: TextData): string[] {
  return data.flatMap((item) => (typeof item === 'string' ? [item] : flatten(item)));
}

function invalid(message: string): AppError {
  return new AppError('invalid_request', message);
}
