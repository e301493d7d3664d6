import { AppError } from '../errors.ts';
import type { ScoredText } from '../scheduler/index.ts';
import { minimumLength, type Task } from '../task/index.ts';
import { cleanText, isTooShort, tooShortMessage } from '../text/index.ts';
import type { BulkRecord } from './types.ts';

export interface BulkScorer {
  /** Scores one cleaned text. */
  readonly score: (text: string) => Promise<ScoredText>;
  /** Says how texts are cleaned, and how short they may be. */
  readonly task: Task;
  /** Texts that are with the engines at a time. */
  readonly ahead: number;
}

/** A record and what became of it. */
export interface BulkResult {
  readonly line: number;
  readonly outcome: ScoredText | AppError;
}

/**
 * The results of records in their order, in constant memory: so many texts are read ahead of the one whose result
 * is next. A text that cannot be scored is a result with an error; what the engines cannot do ends it all, and what
 * the records cannot do ends it behind those before.
 */
export async function* scoreRecords(
  records: AsyncIterable<BulkRecord>,
  scorer: BulkScorer,
): AsyncGenerator<BulkResult> {
  const waiting: Promise<BulkResult>[] = [];
  for await (const record of throughFailure(records)) {
    const result = 'failure' in record ? Promise.reject(record.failure) : scoreOne(record, scorer);
    // Whoever awaits it sees the failure; until then it must not count as unhandled.
    result.catch(() => {});
    waiting.push(result);
    if (waiting.length > scorer.ahead) yield await (waiting.shift() as Promise<BulkResult>);
  }
  for (const result of waiting) yield await result;
}

/** The records, and as the last thing why there are no more, where that is a failure. */
async function* throughFailure(
  records: AsyncIterable<BulkRecord>,
): AsyncGenerator<BulkRecord | { readonly failure: unknown }> {
  try {
    for await (const record of records) yield record;
  } catch (failure) {
    yield { failure };
  }
}

async function scoreOne(
  { line, text }: BulkRecord,
  { score, task }: BulkScorer,
): Promise<BulkResult> {
  if (typeof text !== 'string') return { line, outcome: text };
  const cleaned = cleanText(text, task.cleaning);
  const minimum = minimumLength(task);
  if (!isTooShort(cleaned, minimum)) return { line, outcome: await score(cleaned) };
  return {
    line,
    outcome: new AppError('text_too_short', `it ${tooShortMessage(cleaned, minimum)}`),
  };
}
