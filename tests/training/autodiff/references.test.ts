import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { addGradients } from '../../../training/autodiff/gradients.ts';
import { readModel } from '../../../training/onnx/codec/index.ts';
import { readSafetensors } from '../../../training/onnx/safetensors.ts';
import { inferGraph } from '../../../training/onnx/shapes/infer.ts';
import { numbersOf, type Tensor } from '../../../training/onnx/tensor.ts';
import { runSession, sessionOf } from '../../support/run-graph.ts';

interface OperatorCase {
  readonly name: string;
  readonly model: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly wrt: readonly string[];
}

const folder = new URL('../../fixtures/ops/', import.meta.url).pathname;
const { cases }: { cases: OperatorCase[] } = JSON.parse(readFileSync(`${folder}ops.json`, 'utf8'));

/** What float32 reaches is about 1e-7 of the largest element; PyTorch's numbers are float64's. */
const tolerance = 2e-6;

describe('vector-Jacobian products against PyTorch', () => {
  it.each(cases.map((one) => [one.name, one] as const))('%s', async (name, one) => {
    const { tensors } = await readSafetensors(`${folder}ops.safetensors`);
    const at = (kind: string, tensor: string): Tensor => tensors.get(`${name}/${kind}/${tensor}`)!;
    const { graph } = await readModel(`${folder}${one.model}`);
    inferGraph(graph);
    const feeds: Record<string, Tensor> = Object.fromEntries(
      one.inputs.map((input) => [input, at('in', input)]),
    );
    const cotangents = new Map(
      one.outputs.flatMap((output) => {
        const upstream = at('dout', output);
        if (upstream === undefined) return [];
        feeds[`upstream/${output}`] = upstream;
        const y = graph.find(output)!;
        return [[y, graph.addInput(`upstream/${output}`, y.type, y.shape)] as const];
      }),
    );
    const wrt = one.wrt.map((input) => graph.find(input)!);
    const gradients = addGradients(graph, cotangents, wrt);
    for (const value of new Set(gradients.values())) graph.outputs.push(value);
    const results = await runSession(await sessionOf(graph), feeds);
    for (const value of wrt) {
      const expected = at('din', value.name);
      const found = results[gradients.get(value)!.name]!;
      expect(found.dims).toEqual(expected.dims);
      const reference = numbersOf(expected);
      const scale = Math.max(1, ...reference.map(Math.abs));
      const error = Math.max(...reference.map((want, i) => Math.abs(found.values[i]! - want)));
      expect(error / scale).toBeLessThan(tolerance);
    }
  });
});
