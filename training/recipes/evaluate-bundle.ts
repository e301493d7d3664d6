import { join } from 'node:path';
import {
  type Bundle,
  type Precision,
  selectModel,
  TOKENIZER_FILE,
} from '../../src/bundle/index.ts';
import { loadConfig } from '../../src/config/index.ts';
import { TextTokenizer } from '../../src/text/index.ts';
import { readExamples, tokenizeExamples } from '../data/index.ts';
import { type Evaluation, evaluateAxes, majorityBaseline } from '../evaluate/index.ts';
import { openInference } from '../runtime/index.ts';
import { labelTable, scoreSplit } from './split-scores.ts';
import { type ColumnChoice, taskSettings } from './task-columns.ts';

const BATCH_SIZE = 16;

export interface BundleEvaluation {
  readonly evaluation: Evaluation;
  /** The more frequent labels of the same texts. */
  readonly majority: Evaluation;
}

/**
 * Measures a bundle's model of a precision (fp32 unless named) on all labelled texts of a CSV file as they are served:
 * cleaned as in training, the mean of all windows up to `limits.max_windows`, rounded activations each window alone.
 * AppError as readExamples and selectModel; `usage` where the columns are not known.
 */
export async function evaluateBundle(
  bundle: Bundle,
  source: ColumnChoice & { readonly data: string; readonly precision?: Precision },
): Promise<BundleEvaluation> {
  const { manifest, dir } = bundle;
  const settings = taskSettings(manifest, source);
  const { config } = loadConfig({ flags: { ...settings, 'data.source': source.data } });
  const { examples } = await readExamples(config);
  const tokenizer = TextTokenizer.load(join(dir, TOKENIZER_FILE));
  const { task, max_length: maxLength } = manifest;
  const { path, precision } = selectModel(bundle, source.precision ?? 'fp32');
  const session = await openInference(path, { ...config.runtime, verbose: false });
  try {
    const scores = await scoreSplit(session, tokenizeExamples(examples, tokenizer), task, {
      batchSize: BATCH_SIZE,
      maxLength,
      maxWindows: config.limits.max_windows,
      tokenizer,
      alone: precision === 'int8',
    });
    const labels = labelTable(examples, task.axes.length);
    return {
      evaluation: evaluateAxes(task.axes, scores.probabilities, labels),
      majority: majorityBaseline(task.axes, labels, labels),
    };
  } finally {
    await session.dispose();
  }
}
