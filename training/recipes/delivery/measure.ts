import type { MetricSet, Reference } from '../../../src/bundle/index.ts';
import type { Config } from '../../../src/config/index.ts';
import type { Task } from '../../../src/task/index.ts';
import type { TextTokenizer } from '../../../src/text/index.ts';
import type { TokenizedExample } from '../../data/index.ts';
import {
  calibrate,
  type Evaluation,
  evaluateAxes,
  majorityBaseline,
} from '../../evaluate/index.ts';
import type { Model } from '../../onnx/model.ts';
import { openInference } from '../../runtime/index.ts';
import { inPhase, type Screen } from '../../tracking/index.ts';
import { driftReference } from './drift-reference.ts';
import { calibrationSet } from './metric-set.ts';
import { allProbabilities, scoreSplit, servedWindows, windowsOf } from './split-scores.ts';

/** How good a trained model is, as it is served: whole texts, all windows. */
export interface Results {
  /** With its fitted temperatures and tuned thresholds. */
  readonly task: Task;
  readonly validation: Evaluation;
  readonly test: Evaluation;
  /** What the temperatures change, as it was with all of them 1. */
  readonly uncalibrated: { readonly validation: MetricSet; readonly test: MetricSet };
  /** On the test split. */
  readonly majority: Evaluation;
}

export interface MeasuredData {
  readonly task: Task;
  readonly words: { readonly tokenizer: TextTokenizer };
  readonly validation: readonly TokenizedExample[];
  readonly test: readonly TokenizedExample[];
  /** Of the training split, [rows, axes]. */
  readonly labels: Float32Array;
}

/**
 * Scores both held-out splits with the model that the bundle will hold, cut and averaged as the server does. Temperatures
 * and thresholds are fitted on the validation split; the test split decides nothing.
 */
export async function measure(
  config: Config,
  { task: untuned, words: { tokenizer }, labels, ...splits }: MeasuredData,
  model: Model,
  { screen, stop }: { readonly screen: Screen; readonly stop: AbortSignal },
): Promise<{ readonly results: Results; readonly reference: Reference }> {
  const cut = servedWindows(config);
  const options = { ...cut, batchSize: config.train.batch_size, tokenizer, stop };
  const session = await openInference(model, { ...config.runtime, verbose: false });
  const score = (label: 'validation' | 'test') => {
    const phase = { label, unit: 'windows', total: windowsOf(splits[label], cut) };
    return inPhase(screen, phase, (onWindows) =>
      scoreSplit(session, splits[label], untuned, { ...options, onWindows }),
    );
  };
  try {
    const onValidation = await score('validation');
    const onTest = await score('test');
    const task = calibrate(untuned, onValidation.windows, onValidation.labels);
    const { axes } = task;
    const probabilities = allProbabilities(task, onValidation.windows);
    const results = {
      task,
      validation: evaluateAxes(axes, probabilities, onValidation.labels),
      test: evaluateAxes(axes, allProbabilities(task, onTest.windows), onTest.labels),
      uncalibrated: {
        validation: calibrationSet(
          evaluateAxes(axes, onValidation.probabilities, onValidation.labels),
        ),
        test: calibrationSet(evaluateAxes(axes, onTest.probabilities, onTest.labels)),
      },
      majority: majorityBaseline(axes, labels, onTest.labels),
    };
    const reference = driftReference(task, splits.validation, probabilities, {
      ...cut,
      tokenizer,
    });
    return { results, reference };
  } finally {
    await session.dispose();
  }
}
