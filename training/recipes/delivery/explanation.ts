import { basename } from 'node:path';
import { EXPLAIN_FILE, modelFiles } from '../../../src/bundle/index.ts';
import type { Config } from '../../../src/config/index.ts';
import { AppError, type ErrorCode } from '../../../src/errors.ts';
import type { TextTokenizer } from '../../../src/text/index.ts';
import { explainFile } from '../../artifacts/index.ts';
import type { Screen } from '../../tracking/index.ts';

/** What a graph can be trained with, but not explained: nothing to lose a finished training for. */
const impossible: ReadonlySet<ErrorCode> = new Set(['model_invalid', 'operator_unsupported']);

/**
 * The file that explains a classifier, by its path in the bundle; none where it is not wanted, or where the graph
 * does not allow it, which is then said.
 *
 * @param model the bytes of the bundle's fp32 graph
 */
export function explanationFile(
  { explain }: Pick<Config, 'explain'>,
  { clsId, sepId, padId }: Pick<TextTokenizer, 'clsId' | 'sepId' | 'padId'>,
  model: Uint8Array,
  screen: Pick<Screen, 'write'>,
): Record<string, Uint8Array> {
  if (explain.method === 'none') return {};
  const steps = explain.method === 'gradient_x_input' ? 0 : explain.steps;
  const options = { steps, kept: [clsId, sepId], baseline: padId };
  try {
    return { [EXPLAIN_FILE]: explainFile(model, basename(modelFiles.fp32), options) };
  } catch (error) {
    if (!(error instanceof AppError) || !impossible.has(error.code)) throw error;
    screen.write(`explain    not possible with this model: ${error.message}\n`);
    return {};
  }
}
