import { AppError } from '../errors.ts';
import { atPlace } from '../files/index.ts';
import type { ServedModel } from '../models/index.ts';
import { toPrediction } from '../task/index.ts';
import { BulkProgress, type BulkScreen } from './progress.ts';
import { type BulkScorer, scoreRecords } from './score-records.ts';
import type { BulkRecord } from './types.ts';

export interface BulkJob extends Omit<BulkScorer, 'task'> {
  readonly records: AsyncIterable<BulkRecord>;
  readonly model: ServedModel;
  /** Writes a line of the output; resolves when more may come. */
  readonly write: (line: string) => Promise<void>;
  /** For progress and for records that cannot be scored. */
  readonly screen: BulkScreen;
  /** Whether such records are passed over; else the first one ends it. */
  readonly skipsBad: boolean;
  /** Of the input, where its end is known; and how many were read so far. */
  readonly totalBytes: number | undefined;
  readonly bytesRead: () => number;
  /** Where a record is, for messages. */
  readonly placeOf: (line: number) => string;
}

export interface BulkSummary {
  readonly scored: number;
  readonly skipped: number;
}

/** Bad records that are named one by one; of further ones only the number is told. */
const MOST_NAMED = 100;

/**
 * Scores records and writes a line of JSON for each, in order: `line`, then what the server answers for the text.
 * AppError `data_invalid` or `text_too_short` naming the line, where bad records are not skipped.
 */
export async function predictRecords(job: BulkJob): Promise<BulkSummary> {
  const { model, screen } = job;
  const progress = new BulkProgress(screen, job.totalBytes);
  const counts = { scored: 0, skipped: 0 };
  const { name, version } = model;
  try {
    for await (const { line, outcome } of scoreRecords(job.records, { ...job, task: model.task })) {
      if (outcome instanceof AppError) {
        const place = job.placeOf(line);
        if (!job.skipsBad) throw ended(place, outcome);
        counts.skipped++;
        progress.clear();
        if (counts.skipped <= MOST_NAMED) screen.write(`${place}: skipped: ${outcome.message}\n`);
      } else {
        const { tokens, windows, truncated, probabilities } = outcome;
        const prediction = toPrediction(model.task, probabilities);
        const usage = { tokens, windows, truncated };
        await job.write(
          `${JSON.stringify({ line, ...prediction, model: { name, version }, usage })}\n`,
        );
        counts.scored++;
      }
      progress.update(counts.scored, job.bytesRead());
    }
  } finally {
    progress.clear();
  }
  return counts;
}

/** The error that ends it all, with what else could be done. */
function ended(place: string, error: AppError): AppError {
  const { code, message, hint } = atPlace(place, error);
  const skip = '--on-error skip passes over such lines and reports them';
  return new AppError(code, message, {
    cause: error,
    hint: hint === undefined ? skip : `${hint}; ${skip}`,
  });
}
