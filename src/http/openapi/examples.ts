import { toPrediction } from '../../task/index.ts';
import type { AppDeps } from '../deps.ts';
import type { AnsweredText } from '../score-request.ts';

/** A text that any task can be asked about. */
export const exampleText = 'I enjoy solving complex problems alone and reading books.';

/** What an answer may be; every model says something else. */
export function examplePrediction({ model }: Pick<AppDeps, 'model'>): AnsweredText {
  const scores = model.task.axes.map((_, i) => (i % 2 === 0 ? 0.25 : 0.625));
  return {
    ...toPrediction(model.task, scores),
    model: { name: model.name, version: model.version },
    usage: { tokens: 14, windows: 1, truncated: false },
  };
}
