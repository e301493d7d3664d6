import type { CleaningMode } from '../text/cleaning.ts';
import type { schema, Values } from './schema.ts';
import type { AxisConfig } from './structures.ts';

/** Every key with its value as set, before what follows from other keys is filled in. */
export type RawConfig = Values<typeof schema>;

/** The configuration that the product works with: what depends on other keys is resolved. */
export type Config = Omit<RawConfig, 'run' | 'task' | 'data' | 'model' | 'limits'> & {
  readonly run: { readonly name: string; readonly dir: string };
  readonly task: {
    readonly name: string;
    readonly text_column: string;
    /** null where every axis names its column. */
    readonly label_column: string | null;
    readonly axes: readonly AxisConfig[];
  };
  readonly data: Omit<RawConfig['data'], 'clean' | 'min_length'> & {
    readonly clean: CleaningMode;
    readonly min_length: number;
  };
  readonly model: Omit<RawConfig['model'], 'out'> & { readonly out: string };
  readonly limits: Omit<RawConfig['limits'], 'max_texts'> & { readonly max_texts: number };
};

export interface LoadedConfig {
  readonly config: Config;
  /** Plain JSON of `config`, for writing beside outputs; it loads again to the same. */
  readonly resolved: Record<string, unknown>;
  /** sha256 (hex) of what decides the learnt numbers, paths as they were written. */
  readonly hash: string;
}
