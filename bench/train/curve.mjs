import { readFileSync } from 'node:fs';
import { compileArtifacts } from '../../dist/training/artifacts/index.js';
import { readModel } from '../../dist/training/onnx/codec/index.js';
import { readSafetensors } from '../../dist/training/onnx/safetensors.js';
import { elementsOf } from '../../dist/training/onnx/tensor.js';
import { createExecutor } from '../../dist/training/runtime/index.js';

const fixtures = new URL('../../tests/fixtures/', import.meta.url);
const pathOf = (name) => new URL(name, fixtures).pathname;

/** Of a reference curve of PyTorch's, the largest relative difference of our losses, and its steps. */
export async function curveDifference(model, graph) {
  const { curve } = JSON.parse(readFileSync(pathOf(`reference/${model}.json`), 'utf8'));
  const { tensors } = await readSafetensors(pathOf(`reference/${model}.safetensors`));
  const elements = (name) => elementsOf(tensors.get(`curve/${name}`));
  const compiled = compileArtifacts(await readModel(pathOf(`graphs/${model}/${graph}.onnx`)), {
    head: 'keep',
    dropout: 0,
    weightDecay: curve.weight_decay,
    maxGradNorm: curve.max_grad_norm,
    seed: 1,
  });
  const executor = await createExecutor(compiled, { device: 'cpu', threads: 1 });
  const [steps, size, length] = tensors.get('curve/batch/input_ids').dims;
  const at = (name, step) => {
    const all = elements(`batch/${name}`);
    return all.slice((step * all.length) / steps, ((step + 1) * all.length) / steps);
  };
  let worst = 0;
  for (let step = 0; step < steps; step++) {
    const batch = {
      size,
      length,
      inputIds: at('input_ids', step),
      attentionMask: at('attention_mask', step),
      labels: at('labels', step),
    };
    const learningRate = elements('learning_rate')[step];
    const { loss } = await executor.trainStep(batch, { learningRate, step: step + 1 });
    worst = Math.max(worst, Math.abs(loss / elements('loss')[step] - 1));
  }
  await executor.dispose();
  return { worst, steps };
}
