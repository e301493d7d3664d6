import type { AppDeps } from '../deps.ts';
import type { OutputName } from '../schemas/protocol.ts';
import type { AnsweredText } from '../score-request.ts';
import { encodeFloats, encodeStrings } from './binary.ts';
import type { InferBody, WantedOutput } from './infer-request.ts';

type Tensor =
  | { readonly datatype: 'FP32'; readonly shape: readonly number[]; readonly data: number[] }
  | { readonly datatype: 'BYTES'; readonly shape: readonly number[]; readonly data: string[] };

export interface InferAnswer {
  /** Without the values that are sent in binary. */
  readonly json: Readonly<Record<string, unknown>>;
  /** The values of the binary outputs, in the order of the outputs. */
  readonly tensors: readonly Buffer[];
}

/** The outputs by name: the first labels' probabilities [texts, axes], the labels put together [texts]. */
const outputs: Readonly<Record<OutputName, (answers: readonly AnsweredText[]) => Tensor>> = {
  probabilities: (answers) => ({
    datatype: 'FP32',
    shape: [answers.length, answers[0]?.dimensions.length ?? 0],
    data: answers.flatMap(({ dimensions }) => dimensions.map(({ score }) => Math.fround(score))),
  }),
  labels: (answers) => ({
    datatype: 'BYTES',
    shape: [answers.length],
    data: answers.map(({ mbti_type, label }) => mbti_type ?? label ?? ''),
  }),
};

/** The answer to an inference request. */
export function inferAnswer(
  { model }: Pick<AppDeps, 'model'>,
  request: { readonly id?: InferBody['id']; readonly outputs: readonly WantedOutput[] },
  answers: readonly AnsweredText[],
): InferAnswer {
  const tensors: Buffer[] = [];
  const described = request.outputs.map(({ name, isBinary }) => {
    const tensor = outputs[name](answers);
    if (!isBinary) return { name, ...tensor };
    const bytes =
      tensor.datatype === 'FP32' ? encodeFloats(tensor.data) : encodeStrings(tensor.data);
    tensors.push(bytes);
    const { datatype, shape } = tensor;
    return { name, datatype, shape, parameters: { binary_data_size: bytes.length } };
  });
  return {
    json: {
      model_name: model.name,
      model_version: model.version,
      ...(typeof request.id === 'string' ? { id: request.id } : {}),
      outputs: described,
    },
    tensors,
  };
}
