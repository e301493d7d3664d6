import {
  SPECIAL_TOKENS_PER_WINDOW,
  type TextTokenizer,
  type WindowRange,
  windowRanges,
} from '../../src/text/index.ts';
import { Random } from '../random.ts';
import type { Batch, Example, TokenizedExample } from './types.ts';

export interface BatchOptions {
  readonly batchSize: number;
  /** [CLS] and [SEP] included. */
  readonly maxLength: number;
  readonly tokenizer: Pick<TextTokenizer, 'clsId' | 'sepId' | 'padId'>;
}

/** A batch that knows which examples of its split it holds, row by row. */
export type IndexedBatch = Batch & { readonly indices: readonly number[] };

/** Batches that are laid out in advance and filled one by one. */
export interface BatchPlan<B extends Batch = Batch> extends Iterable<B> {
  readonly count: number;
  /** The batch at a position in [0, count): the same at every call. */
  at(position: number): B;
}

/** A window of the example with this index. */
interface Window extends WindowRange {
  readonly index: number;
}

export interface EvaluationOptions extends BatchOptions {
  /** Windows of a text, from its beginning, that are taken. */
  readonly maxWindows: number;
  /** Each window in a batch of its own and unpadded, as a server on a CPU computes it. */
  readonly alone?: boolean;
}

/** Lengths are padded to a multiple of this, so that few shapes occur. */
const LENGTH_STEP = 8;

/** Batches of neighbours in length are cut from so many shuffled batches at once. */
const POOL_BATCHES = 32;

/**
 * @param examples those that were read with this tokenizer bring their ids
 * @param onTexts is told how many texts are done
 */
export function tokenizeExamples(
  examples: readonly Example[],
  tokenizer: Pick<TextTokenizer, 'encode'>,
  onTexts?: (done: number) => void,
): TokenizedExample[] {
  return examples.map(({ text, labels, ids }, i) => {
    onTexts?.(i);
    return { ids: ids ?? Int32Array.from(tokenizer.encode(text)), labels };
  });
}

/**
 * One epoch of training: of every example a random window of at most maxLength-2 ids, examples of
 * similar length together, batches in random order. The same (seed, epoch) gives the same batches.
 */
export function trainingBatches(
  examples: readonly TokenizedExample[],
  options: BatchOptions & { readonly seed: number; readonly epoch: number },
): BatchPlan<IndexedBatch> {
  const { batchSize } = options;
  const random = new Random(options.seed, 'epoch', options.epoch);
  const room = options.maxLength - SPECIAL_TOKENS_PER_WINDOW;
  const windows = examples.map(({ ids }, index): Window => {
    const length = Math.min(ids.length, room);
    return { index, start: random.int(ids.length - length + 1), length };
  });
  random.shuffle(windows);
  const batches: Window[][] = [];
  const pool = batchSize * POOL_BATCHES;
  for (let start = 0; start < windows.length; start += pool) {
    const sorted = windows.slice(start, start + pool).sort((a, b) => a.length - b.length);
    batches.push(...chunks(sorted, batchSize));
  }
  random.shuffle(batches);
  return plan(batches, (windowsOfBatch) => fill(examples, windowsOfBatch, options));
}

/**
 * Targets y(1 − s) + s/2 in place of y, for two classes (Szegedy et al. 2016, "Rethinking the Inception
 * Architecture", section 7): no label is held for certain.
 */
export function smoothLabels<B extends Batch>(batch: B, smoothing: number): B {
  if (smoothing === 0) return batch;
  const labels = batch.labels.map((label) => label * (1 - smoothing) + smoothing / 2);
  return { ...batch, labels };
}

/** The windows of every example, cut as the server cuts them, sorted by length; `indices` say whose they are. */
export function evaluationBatches(
  examples: readonly TokenizedExample[],
  options: EvaluationOptions,
): BatchPlan<IndexedBatch> {
  const { maxLength, maxWindows, alone = false } = options;
  const windows = examples
    .flatMap(({ ids }, index) =>
      windowRanges(ids.length, maxLength, maxWindows).map((range): Window => ({ index, ...range })),
    )
    .sort((a, b) => a.length - b.length);
  return plan(chunks(windows, alone ? 1 : options.batchSize), (windowsOfBatch) =>
    fill(examples, windowsOfBatch, options, alone ? 1 : LENGTH_STEP),
  );
}

function chunks<T>(list: readonly T[], size: number): T[][] {
  const count = Math.ceil(list.length / size);
  return Array.from({ length: count }, (_, i) => list.slice(i * size, (i + 1) * size));
}

function plan<B extends Batch>(
  batches: readonly Window[][],
  build: (windows: readonly Window[]) => B,
): BatchPlan<B> {
  const at = (position: number): B => {
    const windows = batches[position];
    if (!windows) throw new RangeError(`there is no batch ${position} of ${batches.length}`);
    return build(windows);
  };
  return {
    count: batches.length,
    at,
    *[Symbol.iterator]() {
      for (let i = 0; i < batches.length; i++) yield at(i);
    },
  };
}

function fill(
  examples: readonly TokenizedExample[],
  windows: readonly Window[],
  { maxLength, tokenizer }: BatchOptions,
  lengthStep = LENGTH_STEP,
): IndexedBatch {
  const size = windows.length;
  const longest = Math.max(...windows.map((window) => window.length)) + SPECIAL_TOKENS_PER_WINDOW;
  const length = Math.min(Math.ceil(longest / lengthStep) * lengthStep, maxLength);
  const inputIds = new BigInt64Array(size * length).fill(BigInt(tokenizer.padId));
  const attentionMask = new BigInt64Array(size * length);
  const axes = examples[windows[0]?.index ?? 0]?.labels.length ?? 0;
  const labels = new Float32Array(size * axes);
  for (const [row, window] of windows.entries()) {
    const example = examples[window.index] as TokenizedExample;
    const offset = row * length;
    const tokens = window.length + SPECIAL_TOKENS_PER_WINDOW;
    inputIds[offset] = BigInt(tokenizer.clsId);
    for (let i = 0; i < window.length; i++) {
      inputIds[offset + 1 + i] = BigInt(example.ids[window.start + i] as number);
    }
    inputIds[offset + tokens - 1] = BigInt(tokenizer.sepId);
    attentionMask.fill(1n, offset, offset + tokens);
    labels.set(example.labels, row * axes);
  }
  const indices = windows.map(({ index }) => index);
  return { size, length, inputIds, attentionMask, labels, indices };
}
