import { join } from 'node:path';
import {
  type Bundle,
  type Precision,
  selectModel,
  TOKENIZER_FILE,
} from '../../src/bundle/index.ts';
import { loadConfig } from '../../src/config/index.ts';
import { TextTokenizer } from '../../src/text/index.ts';
import { countLabels, readExamples, tokenizeExamples } from '../data/index.ts';
import {
  dataWarnings,
  type Evaluation,
  evaluateAxes,
  majorityBaseline,
} from '../evaluate/index.ts';
import { openInference } from '../runtime/index.ts';
import { inPhase, type Screen } from '../tracking/index.ts';
import { labelTable, scoreSplit, windowsOf } from './delivery/split-scores.ts';
import { type ColumnChoice, taskSettings } from './delivery/task-columns.ts';

const BATCH_SIZE = 16;

export interface BundleEvaluation {
  readonly evaluation: Evaluation;
  /** The more frequent labels of the same texts. */
  readonly majority: Evaluation;
  /** What the figures cannot mean, because there are few texts. */
  readonly warnings: readonly string[];
}

/**
 * Measures a bundle's model of a precision (fp32 unless named) on all labelled texts of a file as they are served:
 * cleaned as in training, the mean of all windows up to `limits.max_windows`, rounded activations each window alone.
 * AppError as readExamples and selectModel; `usage` where the columns are not known.
 */
export async function evaluateBundle(
  bundle: Bundle,
  source: ColumnChoice & { readonly data: string; readonly precision?: Precision },
  screen: Screen,
): Promise<BundleEvaluation> {
  const { manifest, dir } = bundle;
  const settings = taskSettings(manifest, source);
  const { config } = loadConfig({ flags: { ...settings, 'data.source': source.data } });
  const tokenizer = TextTokenizer.load(join(dir, TOKENIZER_FILE));
  const { examples } = await inPhase(screen, { label: 'read', unit: 'rows' }, (at) =>
    readExamples(config, tokenizer, at),
  );
  const { task, max_length: maxLength } = manifest;
  const { path, precision } = selectModel(bundle, source.precision ?? 'fp32');
  const cut = { maxLength, maxWindows: config.limits.max_windows };
  const session = await openInference(path, { ...config.runtime, verbose: false });
  try {
    const reading = { label: 'tokenize', unit: 'texts', total: examples.length };
    const tokenized = await inPhase(screen, reading, (at) =>
      tokenizeExamples(examples, tokenizer, at),
    );
    const scoring = { label: 'evaluate', unit: 'windows', total: windowsOf(tokenized, cut) };
    const scores = await inPhase(screen, scoring, (onWindows) =>
      scoreSplit(session, tokenized, task, {
        ...cut,
        batchSize: BATCH_SIZE,
        tokenizer,
        alone: precision === 'int8',
        onWindows,
      }),
    );
    const labels = labelTable(examples, task.axes.length);
    return {
      warnings: dataWarnings({ test: countLabels(examples, task.axes) }),
      evaluation: evaluateAxes(task.axes, scores.probabilities, labels),
      majority: majorityBaseline(task.axes, labels, labels),
    };
  } finally {
    await session.dispose();
  }
}
