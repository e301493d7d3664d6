import { AppError } from '../../../src/errors.ts';
import type { Model } from '../model.ts';

/** Versions of the default operator set: from the oldest with today's forms to the newest that onnxruntime 1.30 loads. */
const supported = { minimum: 13, maximum: 26 } as const;

/**
 * Throws `model_invalid`, saying what to do, where the model's operator set is too old or too new
 * to compile.
 */
export function requireOpset(model: Model, file?: string): void {
  const { opset } = model.graph;
  const { minimum, maximum } = supported;
  if (opset >= minimum && opset <= maximum) return;
  const where = file === undefined ? 'the model' : file;
  throw new AppError(
    'model_invalid',
    `${where} uses operator set ${opset}; ${minimum} to ${maximum} are supported`,
    {
      hint: `export it again with an opset from ${minimum} to ${maximum} (opset_version=17, for example)`,
    },
  );
}
