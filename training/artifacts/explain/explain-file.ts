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
 * @param source the classifier as the compiler can differentiate it, where the file was rewritten after that;
 *   weights that the file lacks are then kept
 */
export function explainFile(
  classifier: Uint8Array,
  location: string,
  options: ExplainOptions,
  source?: Model,
): Uint8Array {
  const file = decodeModel(classifier);
  const model = explainModel(source ?? file, options);
  return encodeModel(model, placesIn(classifier, location, file, model));
}

/** Where the file has the bytes of the model's initializers, as those of one of its own. */
function placesIn(bytes: Uint8Array, location: string, file: Model, { graph }: Model) {
  const known = new Map<number, Uint8Array[]>();
  for (const { initializer } of file.graph.initializers) {
    const held = initializer?.bytes;
    // Decoding copies none: what lies in the file is a view of it.
    if (held === undefined || held.length < WORTH_SHARING || held.buffer !== bytes.buffer) continue;
    known.set(held.length, [...(known.get(held.length) ?? []), held]);
  }
  const shared = graph.initializers.flatMap((value) => {
    const wanted = value.initializer?.bytes;
    const found = wanted && known.get(wanted.length)?.find((one) => sameBytes(one, wanted));
    if (found === undefined) return [];
    return [[value, { location, offset: found.byteOffset - bytes.byteOffset }] as const];
  });
  return new Map(shared);
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  (a.buffer === b.buffer && a.byteOffset === b.byteOffset) || Buffer.compare(a, b) === 0;
