/** A cleaned text; labels[i] is 1 for axes[i].labels[0], else 0. */
export interface Example {
  readonly text: string;
  readonly labels: Float32Array;
  /** Its ids, where the tokenizer was there when it was read. */
  readonly ids?: Int32Array;
}

/** Ids without special tokens, of any length. */
export interface TokenizedExample {
  readonly ids: Int32Array;
  readonly labels: Float32Array;
}

/** Padded texts, [CLS] and [SEP] included. */
export interface Batch {
  readonly size: number;
  readonly length: number;
  /** [size, length] */
  readonly inputIds: BigInt64Array;
  /** [size, length], 0 where there is padding */
  readonly attentionMask: BigInt64Array;
  /** [size, axes] */
  readonly labels: Float32Array;
  /** Which examples of their split these are. */
  readonly indices?: readonly number[];
}

/** The joint code of an example: one bit an axis. Splits are stratified by it. */
export function jointCode({ labels }: Pick<Example, 'labels'>): string {
  return Array.from(labels, (label) => (label > 0.5 ? '1' : '0')).join('');
}
