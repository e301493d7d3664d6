import { join } from 'node:path';
import {
  type Bundle,
  type Precision,
  selectModel,
  TOKENIZER_FILE,
} from '../../src/bundle/index.ts';
import { loadConfig } from '../../src/config/index.ts';
import { TextTokenizer } from '../../src/text/index.ts';
import { type Batch, countLabels, readExamples, tokenizeExamples } from '../data/index.ts';
import {
  dataWarnings,
  type Evaluation,
  evaluateAxes,
  majorityBaseline,
} from '../evaluate/index.ts';
import { batchFeeds } from '../runtime/feeds.ts';
import { openSession } from '../runtime/session.ts';
import { inPhase, type Screen } from '../tracking/index.ts';
import { labelTable, scoreSplit } from './split-scores.ts';
import { type ColumnChoice, taskSettings } from './task-columns.ts';

const BATCH_SIZE = 16;

export interface BundleEvaluation {
  readonly evaluation: Evaluation;
  /** The more frequent labels of the same texts. */
  readonly majority: Evaluation;
  /** What the figures cannot mean, because there are few texts. */
  readonly warnings: readonly string[];
}

/**
 * Measures a bundle's model of a precision (fp32 unless named) on all labelled texts of a file, cleaned and cut to the first
 * window as in training. AppError as readExamples and selectModel; `usage` where the columns are not known.
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
  const { path } = selectModel(bundle, source.precision ?? 'fp32');
  const session = await openSession(path, { ...config.runtime, verbose: false });
  const evaluate = async (batch: Batch) => {
    const { labels: _, ...feeds } = batchFeeds(batch, session.inputMetadata);
    const { logits } = await session.run(feeds);
    return { logits: logits?.data as Float32Array };
  };
  try {
    const total = examples.length;
    const tokenized = await inPhase(screen, { label: 'tokenize', unit: 'texts', total }, (at) =>
      tokenizeExamples(examples, tokenizer, at),
    );
    const scores = await inPhase(screen, { label: 'evaluate', unit: 'texts', total }, (onTexts) =>
      scoreSplit({ evaluate }, tokenized, task, {
        batchSize: BATCH_SIZE,
        maxLength,
        tokenizer,
        onTexts,
      }),
    );
    const labels = labelTable(examples, task.axes.length);
    return {
      warnings: dataWarnings({ test: countLabels(examples, task.axes) }),
      evaluation: evaluateAxes(task.axes, scores.probabilities, labels),
      majority: majorityBaseline(task.axes, labels, labels),
    };
  } finally {
    await session.release();
  }
}
