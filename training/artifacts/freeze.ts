import { AppError } from '../../src/errors.ts';
import { namePattern } from '../onnx/name-pattern.ts';

/** The number of a layer in a parameter's name: `encoder.layer.3.…`, `transformer.layers.3.…`, `h.3.…`. */
const layerNumber = /(?:^|\.)(?:layers?|blocks?|h|attentions|ffns)\.(\d+)\./;
const embeddingName = /(?:^|[._])(?:\w*embeddings?|wte|wpe|rel_embeddings)(?:[._]|$)/;
const headName = /^(?:head|classifier|pre_classifier|score)\./;

/** The names, in the words of `train.freeze`, of parts of an encoder. */
const parts: readonly (readonly [RegExp, (name: string, layers: number) => boolean])[] = [
  [/^embeddings$/, (name) => embeddingName.test(name) && !layerNumber.test(name)],
  [/^encoder$/, (name) => !headName.test(name)],
  [
    /^layers:(\d+)$/,
    (name, layers) => Number(layerNumber.exec(name)?.[1] ?? Number.POSITIVE_INFINITY) < layers,
  ],
];

/**
 * Which of the parameters one entry of `train.freeze` means: `embeddings`, `encoder` (all but the classification
 * head), `layers:N` (the first N), or a pattern in which * stands for any characters.
 * AppError `config_invalid` where it means none, naming what there is.
 */
export function parametersMeant(entry: string, names: readonly string[], option: string): string[] {
  const part = parts.find(([words]) => words.test(entry));
  const count = Number(part?.[0].exec(entry)?.[1]);
  const found = names.filter((name) =>
    part ? part[1](name, count) : namePattern(entry).test(name),
  );
  const layers = new Set(names.flatMap((name) => layerNumber.exec(name)?.[1] ?? [])).size;
  if (found.length > 0 && !(count > layers)) return found;
  const example = names.find((name) => name.includes('.')) ?? names[0] ?? '';
  const problem =
    count > layers && layers > 0
      ? `${option}: "${entry}" means more layers than the ${layers} of the graph`
      : `${option}: ${part ? '' : 'the pattern '}"${entry}" matches none of the graph's parameters`;
  throw new AppError('config_invalid', problem, {
    hint: `expected embeddings, layers:N, encoder, or a name in which * stands for any characters; one is ${example}`,
  });
}
