import type { MetricSet, Reference } from '../../src/bundle/index.ts';
import type { Config } from '../../src/config/index.ts';
import type { Task } from '../../src/task/index.ts';
import type { TextTokenizer } from '../../src/text/index.ts';
import type { TokenizedExample } from '../data/index.ts';
import { calibrate, type Evaluation, evaluateAxes, majorityBaseline } from '../evaluate/index.ts';
import type { Model } from '../onnx/model.ts';
import { openInference } from '../runtime/index.ts';
import { driftReference } from './drift-reference.ts';
import { calibrationSet } from './metric-set.ts';
import { allProbabilities, scoreSplit } from './split-scores.ts';

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
  { train, limits, runtime }: Config,
  { task: untuned, words, validation, test, labels }: MeasuredData,
  model: Model,
  stop: AbortSignal,
): Promise<{ readonly results: Results; readonly reference: Reference }> {
  const served = {
    batchSize: train.batch_size,
    maxLength: train.max_length,
    maxWindows: limits.max_windows,
    tokenizer: words.tokenizer,
  };
  const session = await openInference(model, { ...runtime, verbose: false });
  const score = (examples: readonly TokenizedExample[]) =>
    scoreSplit(session, examples, untuned, { ...served, stop });
  try {
    const onValidation = await score(validation);
    const onTest = await score(test);
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
    return { results, reference: driftReference(task, validation, probabilities, served) };
  } finally {
    await session.dispose();
  }
}
