import type { Config } from '../../config/index.ts';
import type { Logger } from '../logger.ts';
import { PredictionLog } from './prediction-log.ts';

/** The log that the section `prediction_log` of the configuration asks for, if it does. */
export function openPredictionLog(
  { prediction_log }: Pick<Config, 'prediction_log'>,
  logger: Logger,
): PredictionLog | undefined {
  const { file, text, sample, max_bytes, keep_files, keep_days } = prediction_log;
  if (file === null) return undefined;
  return new PredictionLog({
    path: file,
    keepTexts: text === 'keep',
    sample,
    maxBytes: max_bytes,
    keepFiles: keep_files,
    keepDays: keep_days,
    logger,
  });
}
