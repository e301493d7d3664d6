import { AppError } from '../../src/errors.ts';
import { nameShown } from '../../src/files/index.ts';
import type { Model } from '../onnx/model.ts';
import type { Tensor } from '../onnx/tensor.ts';
import type { CompiledArtifacts } from './compile.ts';
import { prepare } from './prepare.ts';

/**
 * The forward graph, the head included, with trained parameters as its initializers: the inputs of the
 * forward graph, output `logits`. Nothing else changes.
 *
 * @param forward the model that was compiled
 */
export function inferenceModel(
  forward: Model,
  { parameters: trained, options }: CompiledArtifacts,
  parameters: ReadonlyMap<string, Tensor>,
): Model {
  const { model } = prepare(forward, options);
  for (const { name, shape } of trained) {
    const value = model.graph.find(name);
    const tensor = parameters.get(name);
    if (value?.initializer === undefined || tensor?.dims.join() !== shape.join()) {
      throw new AppError(
        'internal',
        `parameter ${nameShown(name)} [${shape}] is missing or of another shape`,
      );
    }
    value.initializer = tensor;
  }
  return model;
}
