import type { EngineSpec } from '../../src/engine/index.ts';
import { mbtiTask } from './tiny-bundle.ts';

/** For workers that load nothing. */
export const nothingToLoad: EngineSpec = {
  modelPath: '/none',
  modelFile: 'onnx/model.onnx',
  tokenizerDir: '/none',
  task: mbtiTask,
  maxLength: 64,
  maxWindows: 4,
  device: 'cpu',
  batchTokens: 0,
  verbose: false,
  files: [],
};
