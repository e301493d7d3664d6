import ort from 'onnxruntime-node';
import { type GraphInput, idsOfType } from '../bundle/index.ts';

/** What the graph's inputs are fed, in their types, for windows of ids: one is unpadded, of several the shorter ones are masked behind. */
export function windowFeeds(
  inputs: readonly GraphInput[],
  ...windows: readonly (readonly number[])[]
): Record<string, ort.Tensor> {
  const length = Math.max(...windows.map((ids) => ids.length));
  const rows = (of: (ids: readonly number[]) => BigInt64Array): BigInt64Array => {
    const data = new BigInt64Array(windows.length * length);
    for (const [row, ids] of windows.entries()) data.set(of(ids), row * length);
    return data;
  };
  const tensors: Record<string, () => BigInt64Array> = {
    input_ids: () => rows((ids) => BigInt64Array.from(ids, BigInt)),
    attention_mask: () => rows((ids) => new BigInt64Array(ids.length).fill(1n)),
  };
  const tensor = ({ name, type }: GraphInput) => {
    const ids = tensors[name]?.() ?? new BigInt64Array(windows.length * length);
    const fed = idsOfType(type, ids);
    return new ort.Tensor(fed.type, fed.data, [windows.length, length]);
  };
  return Object.fromEntries(inputs.map((input) => [input.name, tensor(input)]));
}
