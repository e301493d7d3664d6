import type { ErrorCode } from '../errors.ts';
import type { Task } from '../task/index.ts';
import type { Score, ScoreOptions } from './score.ts';
import type { VerifiedFile } from './verified-files.ts';

/** The devices that a model can be served on. */
export type Device = 'auto' | 'cpu' | 'cuda' | 'webgpu' | 'coreml' | 'dml';

/** `auto` is the CPU: a device is served on where it is named. */
export const isOnCpu = ({ device }: { readonly device: Device }): boolean =>
  device === 'auto' || device === 'cpu';

/** All that an inference process needs; plain JSON, it crosses a process border. */
export interface EngineSpec {
  /** Absolute path of the graph. */
  readonly modelPath: string;
  /** What messages call it: `onnx/model.onnx`. */
  readonly modelFile: string;
  /** Absolute path of the folder that holds tokenizer.json. */
  readonly tokenizerDir: string;
  readonly task: Task;
  /** Tokens of a window. */
  readonly maxLength: number;
  /** Windows of one text that are scored. */
  readonly maxWindows: number;
  readonly device: Device;
  /** Padded tokens that are computed together; 0: one text at a time, unpadded. */
  readonly batchTokens: number;
  /** Lets the runtime's own warnings through to standard error. */
  readonly verbose: boolean;
  /** Absolute path of the graph that explains, where the bundle has one; it is loaded when it is needed. */
  readonly explainPath?: string;
  /** All that is loaded; a process refuses what is no longer as it was verified. */
  readonly files: readonly VerifiedFile[];
}

/** Server → inference process. */
export type EngineRequest =
  | { readonly type: 'load'; readonly spec: EngineSpec }
  | {
      readonly type: 'score';
      readonly id: number;
      readonly text: string;
      readonly options: ScoreOptions;
    };

/** Inference process → server. `failed`: the model cannot be loaded, and trying again is of no use. */
export type EngineReply =
  | { readonly type: 'ready'; readonly loadMs: number }
  | {
      readonly type: 'failed';
      readonly code: ErrorCode;
      readonly message: string;
      readonly hint?: string;
    }
  /** Resident bytes of the process: once it has loaded, and as they change. */
  | { readonly type: 'memory'; readonly bytes: number }
  /** A window of the text is done, and it is at the next one. */
  | { readonly type: 'progress'; readonly id: number }
  | { readonly type: 'scored'; readonly id: number; readonly score: Score }
  | { readonly type: 'error'; readonly id: number; readonly message: string };
