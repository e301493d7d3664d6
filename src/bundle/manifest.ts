import type { Task } from '../task/index.ts';
import type { Reference } from './reference.ts';

/** The layout of a bundle that this version reads and writes. */
export const FORMAT_VERSION = 1;

export const MANIFEST_FILE = 'manifest.json';
export const TOKENIZER_FILE = 'tokenizer.json';

/** The graph of every precision that a bundle can hold; fp32 is always there. */
export const modelFiles = {
  fp32: 'onnx/model.onnx',
  int8: 'onnx/model_quantized.onnx',
  fp16: 'onnx/model_fp16.onnx',
} as const;

/** The graph behind `POST /explain`; its weights lie in the fp32 graph's file. A bundle can be without it. */
export const EXPLAIN_FILE = 'onnx/explain.onnx';

export type Precision = keyof typeof modelFiles;

/** Files that no bundle is usable without. */
export const requiredFiles = ['config.json', TOKENIZER_FILE, modelFiles.fp32] as const;

export interface FileEntry {
  /** Lower-case hex. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
}

/** Numbers by metric name (`accuracy`, `macro_f1`, …), for every axis and on average. */
export interface MetricSet {
  readonly axes: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly average: Readonly<Record<string, number>>;
}

/** How far a smaller graph lies from the fp32 one. Without `agreement` it was not measured. */
export interface QuantizationMetrics {
  /** How its weights are rounded: int8, weight8, …; int8 in bundles that do not say it. */
  readonly scheme?: string;
  readonly agreement?: number;
  readonly mean_dp?: number;
  readonly max_dp?: number;
  readonly size_ratio: number;
  /** Of the smaller graph less that of fp32, and its 95 % interval. */
  readonly macro_f1_change?: number;
  readonly macro_f1_interval?: readonly [number, number];
  /** Texts that this was measured on: of the validation split, or of a file that was named later. */
  readonly texts?: number;
  /** Layers that stayed in fp32. */
  readonly fp32_layers?: readonly string[];
}

/** `manifest.json`: what a bundle is, what is in it, how good it is and where it came from. */
export interface Manifest {
  readonly format_version: typeof FORMAT_VERSION;
  readonly name: string;
  /** Changes with the weights: the first 12 hex digits of the fp32 graph's sha256 unless named. */
  readonly version: string;
  readonly task: Task;
  /** Tokens of a window, [CLS] and [SEP] included. */
  readonly max_length: number;
  /** By path inside the bundle, with forward slashes; the manifest itself is not among them. */
  readonly files: Readonly<Record<string, FileEntry>>;
  readonly metrics?: {
    readonly test?: MetricSet;
    readonly validation?: MetricSet;
    /** Log loss, Brier score and ECE of the same texts with all temperatures 1. */
    readonly uncalibrated?: { readonly test?: MetricSet; readonly validation?: MetricSet };
    readonly int8?: QuantizationMetrics;
    readonly fp16?: QuantizationMetrics;
  };
  /** By path, of smaller graphs that were wanted and are not there: why. */
  readonly left_out?: Readonly<Record<string, string>>;
  readonly baselines?: Readonly<Record<string, MetricSet>>;
  /** Statistics of the training data that drift is measured against. */
  readonly reference?: Reference;
  readonly config_hash: string;
  readonly data_hash: string;
  readonly git_commit?: string;
  /** Versions by package name. */
  readonly packages: Readonly<Record<string, string>>;
  /** ISO 8601, UTC. */
  readonly created: string;
}
