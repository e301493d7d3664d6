import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { MANIFEST_FILE } from '../../../src/bundle/index.ts';
import { type Config, LEARN_TOKENIZER } from '../../../src/config/index.ts';
import { AppError, messageOf } from '../../../src/errors.ts';
import { tokenizerPaths } from '../../../src/text/index.ts';
import { providerOf } from '../../runtime/device.ts';

/**
 * Whatever would only fail after hours of training fails here: settings that training does not
 * take, inputs that are not there, outputs that cannot be written. AppError `config_invalid`,
 * `device_unavailable`, `file_missing` or `usage`.
 */
export function requirePossible(config: Config): void {
  // The device first: a machine without it is told so, whatever else is missing.
  providerOf(config.runtime.device);
  requireSettings(config);
  requireInputs(config);
  requireWritable(config.run.dir, 'run.dir');
  requireWritable(config.model.out, 'model.out');
  requireReplaceableBundle(config.model.out);
}

function requireSettings({ runtime, model, data }: Config): void {
  const problems: string[] = [];
  if (runtime.precision === 'int8') {
    problems.push('runtime.precision is "int8": expected auto (fp32), fp32 or fp16 for training');
  }
  if (data.source === null) {
    problems.push('data.source is missing: expected the file to learn from');
  }
  if (model.base === null) {
    problems.push(
      'model.base is missing: expected a .onnx file, a folder in Hugging Face layout, or {"init": {…}}',
    );
  }
  if (problems.length === 0) return;
  throw new AppError('config_invalid', problems.join('\n'), {
    hint: 'set it in the configuration file, or on the command line as key=value',
  });
}

function requireInputs({ data, model }: Config): void {
  requireFile(data.source, 'data.source', 'mbti-data sample writes a synthetic one');
  if (typeof model.base === 'string' && !model.base.startsWith('hf:')) {
    requireFile(model.base, 'model.base', 'name a .onnx file or a folder in Hugging Face layout');
  }
  if (model.tokenizer === null || model.tokenizer === LEARN_TOKENIZER) return;
  const { tokenizerFile } = tokenizerPaths(model.tokenizer);
  requireFile(tokenizerFile, 'model.tokenizer', 'model.tokenizer=train learns one from the texts');
}

function requireFile(path: string | null, key: string, hint: string): void {
  if (path === null || existsSync(path)) return;
  throw new AppError('file_missing', `${key}: ${path} does not exist`, { hint });
}

/** The nearest folder above that exists must be one in which files can be made. */
function requireWritable(path: string, key: string): void {
  let folder = resolve(path);
  while (!existsSync(folder)) folder = dirname(folder);
  try {
    if (!statSync(folder).isDirectory()) throw new Error(`${folder} is no folder`);
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (cause) {
    const reason = messageOf(cause);
    throw new AppError('usage', `${key}: ${path} cannot be written: ${reason}`, {
      hint: `name another folder with ${key}=DIR`,
      cause,
    });
  }
}

function requireReplaceableBundle(out: string): void {
  if (!existsSync(out) || existsSync(join(out, MANIFEST_FILE)) || readdirSync(out).length === 0) {
    return;
  }
  throw new AppError('usage', `model.out: ${out} is there and is no model bundle`, {
    hint: 'name another folder with model.out=DIR, or move that one away',
  });
}
