import { decodeModel, encodeModel } from '../../onnx/codec/index.ts';
import type { Model } from '../../onnx/model.ts';
import { type ExplainOptions, explainModel } from './explain-model.ts';

/** Weights from so many bytes on are worth a reference. */
const WORTH_SHARING = 256;

/**
 * The bytes of an explain graph that holds no weights of its own: its initializers are external data, and their
 * place is inside the classifier's file. So a bundle holds the weights once, the classifier stays one file, and the
 * runtime maps the same pages for both. The two files belong together: the offsets are those of this very file.
 *
 * @param classifier the bytes of the classifier's file, with all its weights
 * @param location the file's name, relative to the folder that the explain graph will lie in
 */
export function explainFile(
  classifier: Uint8Array,
  location: string,
  options: ExplainOptions,
): Uint8Array {
  const model = explainModel(decodeModel(classifier), options);
  return encodeModel(model, placesIn(classifier, location, model));
}

/** The initializers whose bytes are a part of the file: decoding copies none. */
function placesIn(file: Uint8Array, location: string, { graph }: Model) {
  const shared = graph.initializers.flatMap((value) => {
    const bytes = value.initializer?.bytes;
    if (bytes === undefined || bytes.length < WORTH_SHARING || bytes.buffer !== file.buffer) {
      return [];
    }
    const offset = bytes.byteOffset - file.byteOffset;
    return offset >= 0 ? [[value, { location, offset }] as const] : [];
  });
  return new Map(shared);
}
