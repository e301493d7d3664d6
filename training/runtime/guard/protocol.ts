/** What the guarded process may use. */
export interface Allowance {
  /** Resident memory of the process. */
  readonly bytes: number;
  /** Processor seconds of loading, or of one run. */
  readonly seconds: number;
}

/** A tensor as it goes between processes. */
export interface PlainTensor {
  readonly type: string;
  readonly data: unknown;
  readonly dims: readonly number[];
}

export type PlainTensors = Readonly<Record<string, PlainTensor>>;

/** The model's bytes follow on standard input. */
export interface Opening {
  readonly type: 'open';
  readonly length: number;
  readonly threads: number;
  readonly allowance: Allowance;
}

export interface Running {
  readonly type: 'run';
  readonly feeds: PlainTensors;
  readonly wanted: readonly string[] | undefined;
}

export interface GraphPort {
  readonly name: string;
  readonly type?: string | undefined;
  readonly shape?: readonly unknown[] | undefined;
}

export type Answer =
  | { readonly type: 'opened'; readonly inputs: readonly GraphPort[] }
  | { readonly type: 'results'; readonly results: PlainTensors }
  | { readonly type: 'failed'; readonly message: string };

/** Results beyond this do not leave the process. */
export const MOST_RESULT_BYTES = 2 ** 26;
