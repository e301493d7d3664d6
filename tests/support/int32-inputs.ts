import { cloneModel } from '../../training/onnx/clone.ts';
import type { Model } from '../../training/onnx/model.ts';

/** The same model with int32 ids, as TensorFlow's exporters write it. */
export function withInt32Inputs(model: Model): Model {
  const copy = cloneModel(model);
  for (const input of copy.graph.inputs) input.type = 'int32';
  return copy;
}
