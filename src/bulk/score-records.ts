import { AppError } from '../errors.ts';
import type { ScoredText } from '../scheduler/index.ts';
import { type CleaningMode, cleanText, isTooShort, MINIMUM_TEXT_LENGTH } from '../text/index.ts';
import type { BulkRecord } from './types.ts';

export interface BulkScorer {
  /** Scores one cleaned text. */
  readonly score: (text: string) => Promise<ScoredText>;
  readonly cleaning: CleaningMode;
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
 * is next. A text that cannot be scored is a result with an error; what the engines cannot do ends it all.
 */
export async function* scoreRecords(
  records: AsyncIterable<BulkRecord>,
  scorer: BulkScorer,
): AsyncGenerator<BulkResult> {
  const waiting: Promise<BulkResult>[] = [];
  for await (const record of records) {
    const result = scoreOne(record, scorer);
    // Whoever awaits it sees the failure; until then it must not count as unhandled.
    result.catch(() => {});
    waiting.push(result);
    if (waiting.length > scorer.ahead) yield await (waiting.shift() as Promise<BulkResult>);
  }
  for (const result of waiting) yield await result;
}

async function scoreOne(
  { line, text }: BulkRecord,
  { score, cleaning }: BulkScorer,
): Promise<BulkResult> {
  if (typeof text !== 'string') return { line, outcome: text };
  const cleaned = cleanText(text, cleaning);
  if (!isTooShort(cleaned)) return { line, outcome: await score(cleaned) };
  const length = Array.from(cleaned).length;
  return {
    line,
    outcome: new AppError(
      'text_too_short',
      `it has ${length} characters after cleaning: expected at least ${MINIMUM_TEXT_LENGTH}`,
    ),
  };
}
