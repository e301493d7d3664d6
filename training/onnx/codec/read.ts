import { AppError } from '../../../src/errors.ts';
import type { Model } from '../model.ts';
import { modelOf, named, parseModel } from './decode.ts';
import { loadExternalData } from './external-data.ts';
import { readRange, withFile } from './files.ts';

const maximumBytes = 2 ** 31 - 1;

/**
 * Reads an `.onnx` file and the external data beside it. Weights are views of the file's bytes.
 * Throws `file_missing` and `model_invalid`, both naming the file.
 */
export async function readModel(path: string): Promise<Model> {
  const bytes = await withFile(path, async (handle, size) => {
    if (size <= maximumBytes) return readRange(handle, 0, size);
    throw new AppError(
      'model_invalid',
      `${path} is larger than 2 GB, which an ONNX file cannot be`,
      {
        hint: 'export the model with external data',
      },
    );
  });
  try {
    const proto = parseModel(bytes, true);
    await loadExternalData(proto, path);
    return modelOf(proto);
  } catch (error) {
    throw error instanceof AppError && error.code === 'model_invalid' ? named(path, error) : error;
  }
}
