import { readdirSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { compileArtifacts } from '../../../training/artifacts/index.ts';
import { readModel } from '../../../training/onnx/codec/index.ts';
import { tensorOf } from '../../../training/onnx/tensor.ts';
import {
  fixturePath,
  maxDifference,
  numbers,
  readReference,
  tensorNamed,
  transposed,
  under,
} from '../../support/reference-tensors.ts';
import { runSession, sessionOf } from '../../support/run-graph.ts';
import { compileOptions } from '../../support/tiny-distilbert.ts';

const graphs = readdirSync(fixturePath('families')).filter((file) => file.endsWith('.onnx'));

/** Parameters that an exporter folded into constants. */
const folded = ['deberta.encoder.rel_embeddings.weight'];

/**
 * Encoders that nothing here was written for: shared layers (ALBERT), relative positions (MPNet, DeBERTa),
 * the Attention operator (opset 23), the oldest operator set (13).
 */
describe('exported encoders of other families', () => {
  it.each(graphs)('%s has the logits, loss and gradients of PyTorch', async (file) => {
    const reference = await readReference(`families/${file.split('-')[0]}.safetensors`);
    const model = await readModel(fixturePath(`families/${file}`));
    const compiled = compileArtifacts(model, { ...compileOptions, head: 'keep', labels: 4 });
    const gradients = under(reference, 'grad/');
    for (const name of folded) gradients.delete(name);
    expect(compiled.parameters.map(({ name }) => name).sort()).toEqual(
      [...gradients.keys()].sort(),
    );
    const batch = under(reference, 'batch/');
    const results = await runSession(await sessionOf(compiled.training.graph), {
      ...Object.fromEntries(batch),
      ...Object.fromEntries(compiled.initial),
    });
    for (const name of ['logits', 'loss']) {
      const wanted = numbers(tensorNamed(reference, name));
      expect(maxDifference(results[name]!.values, wanted)).toBeLessThan(2e-6);
    }
    // The gradient of a key projection's bias is rounding alone: it is measured against the others.
    const peaks = Array.from(gradients.values(), (t) => Math.max(...numbers(t).map(Math.abs)));
    const floor = 0.01 * peaks.sort((a, b) => a - b)[peaks.length >> 1]!;
    for (const [name, tensor] of gradients) {
      const { dims, values } = results[`${name}.grad`]!;
      const wanted = numbers(tensor);
      const scale = Math.max(floor, ...wanted.map(Math.abs));
      const turned = transposed(tensorOf('float32', dims, Float32Array.from(values)));
      const error = Math.min(maxDifference(values, wanted), maxDifference(turned, wanted)) / scale;
      expect({ name, ok: error < 1e-4, error }).toEqual({ name, ok: true, error });
    }
  });
});
