import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { Tensor } from 'onnxruntime-node';
import { readModel } from '../../../../training/onnx/codec/index.ts';
import { readSafetensors } from '../../../../training/onnx/safetensors.ts';
import { inferGraph } from '../../../../training/onnx/shapes/infer.ts';
import { elementsOf } from '../../../../training/onnx/tensor.ts';
import { differencesFromRuntime, hasOpaqueDim } from '../../../support/inferred-shapes.ts';

const folder = new URL('../../../fixtures/', import.meta.url).pathname;
const readJson = (file: string) => JSON.parse(readFileSync(`${folder}${file}`, 'utf8'));

const exported: string[] = readJson('index.json')
  .graphs.map((graph: { file: string }) => graph.file)
  .filter((file: string) => existsSync(`${folder}${file}`));

const sizesOf = (batch: number, sequence: number) => ({
  batch,
  sequence,
  batch_size: batch,
  sequence_length: sequence,
});

describe('shape inference of exported encoders', () => {
  it.each(exported)('%s: every value as the runtime computes it, none unknown', async (file) => {
    const { graph } = await readModel(`${folder}${file}`);
    inferGraph(graph, { forget: true });
    const computed = [...graph.values.values()].filter((value) => value.producer !== undefined);
    expect(computed.filter(hasOpaqueDim).map((value) => value.name)).toEqual([]);
    expect(computed.filter((value) => value.type === undefined).map((v) => v.name)).toEqual([]);
    const mask = { attention_mask: [1] };
    const found = await differencesFromRuntime(graph, [sizesOf(2, 5), sizesOf(3, 7)], mask);
    expect(found).toEqual([]);
  });

  it.each(exported)('%s: what the exporter declared does not contradict it', async (file) => {
    const { graph } = await readModel(`${folder}${file}`);
    expect(() => inferGraph(graph)).not.toThrow();
  });
});

interface OperatorCase {
  readonly name: string;
  readonly model: string;
  readonly inputs: readonly string[];
}

describe('shape inference of single operators', () => {
  const { cases }: { cases: OperatorCase[] } = readJson('ops/ops.json');

  it.each(cases.map((one) => [one.name, one] as const))('%s', async (name, one) => {
    const { tensors } = await readSafetensors(`${folder}ops/ops.safetensors`);
    const { graph } = await readModel(`${folder}ops/${one.model}`);
    inferGraph(graph, { forget: true });
    const feeds = Object.fromEntries(
      one.inputs.map((input) => {
        const { type, dims, bytes } = tensors.get(`${name}/in/${input}`)!;
        const elements = elementsOf({ type, dims, bytes });
        return [input, new Tensor(type as 'float32', elements as Float32Array, dims)];
      }),
    );
    expect([...graph.values.values()].every((value) => value.shape !== undefined)).toBe(true);
    expect(await differencesFromRuntime(graph, [{}], feeds)).toEqual([]);
  });
});
