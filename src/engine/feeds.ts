import ort from 'onnxruntime-node';

/** What the graph's inputs are fed for one window of ids, alone and unpadded. */
export function windowFeeds(
  inputNames: readonly string[],
  ids: readonly number[],
): Record<string, ort.Tensor> {
  const tensors: Record<string, () => BigInt64Array> = {
    input_ids: () => BigInt64Array.from(ids, BigInt),
    attention_mask: () => new BigInt64Array(ids.length).fill(1n),
  };
  const tensor = (name: string) => {
    const data = tensors[name]?.() ?? new BigInt64Array(ids.length);
    return new ort.Tensor('int64', data, [1, ids.length]);
  };
  return Object.fromEntries(inputNames.map((name) => [name, tensor(name)]));
}
