import { type Bundle, explainPath, selectModel } from './bundle/index.ts';
import type { Config } from './config/index.ts';
import type { EngineSpec } from './engine/index.ts';
import type { ServedModel } from './http/index.ts';

/** What of a bundle the engines load, and what is told of it. AppError where the precision is not in it. */
export function describeModel(
  bundle: Bundle,
  { limits, runtime }: Pick<Config, 'limits' | 'runtime'>,
  verbose = false,
): { spec: EngineSpec; model: ServedModel } {
  const { name, version, task, max_length: maxLength } = bundle.manifest;
  const explainer = explainPath(bundle);
  const { precision, path, file } = selectModel(bundle, runtime.precision, runtime.device);
  return {
    model: { name, version, precision, maxLength, task, explains: explainer !== undefined },
    spec: {
      modelPath: path,
      modelFile: file,
      tokenizerDir: bundle.dir,
      task,
      maxLength,
      maxWindows: limits.max_windows,
      device: runtime.device,
      verbose,
      ...(explainer === undefined ? {} : { explainPath: explainer }),
    },
  };
}
