import type { SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { Logger } from '../logger.ts';

type Export = SpanExporter['export'];
type ExportResult = Parameters<Parameters<Export>[1]>[0];

/** A collector that stays away is mentioned once in so many milliseconds. */
const SILENCE_MS = 60_000;

/** `ExportResultCode.SUCCESS` of @opentelemetry/core, which is no dependency of its own here. */
const SUCCESS = 0;

/** Sends spans with another exporter, and tells the log when that fails and when it works again. */
export class ReportingExporter implements SpanExporter {
  readonly #exporter: SpanExporter;
  readonly #logger: Pick<Logger, 'warn' | 'info'>;
  readonly #now: () => number;
  /** Since the last line in the log. */
  #lost = 0;
  /** When the log may be told of the next failure. */
  #silentUntil = 0;
  /** Whether its last line was of a failure. */
  #hasWarned = false;

  /** `now` is in milliseconds. */
  constructor(
    exporter: SpanExporter,
    logger: Pick<Logger, 'warn' | 'info'>,
    now: () => number = () => performance.now(),
  ) {
    this.#exporter = exporter;
    this.#logger = logger;
    this.#now = now;
  }

  export(...[spans, done]: Parameters<Export>): void {
    this.#exporter.export(spans, (result) => {
      if (result.code === SUCCESS) this.#worked();
      else this.#failed(spans.length, result.error);
      done(result);
    });
  }

  forceFlush(): Promise<void> {
    return this.#exporter.forceFlush?.() ?? Promise.resolve();
  }

  shutdown(): Promise<void> {
    return this.#exporter.shutdown();
  }

  #worked(): void {
    if (!this.#hasWarned) return;
    this.#hasWarned = false;
    this.#logger.info('traces are exported again', { lost_spans: this.#lost });
    this.#lost = 0;
  }

  #failed(spans: number, error: ExportResult['error']): void {
    this.#lost += spans;
    if (this.#now() < this.#silentUntil) return;
    this.#silentUntil = this.#now() + SILENCE_MS;
    this.#hasWarned = true;
    this.#logger.warn('traces cannot be exported', {
      reason: reasonOf(error),
      lost_spans: this.#lost,
    });
    this.#lost = 0;
  }
}

/** A name that resolves to several addresses fails with an error that has a code and no message. */
function reasonOf(error: ExportResult['error']): string {
  const code = error && 'code' in error ? String(error.code) : undefined;
  return error?.message || code || 'the collector has refused them';
}
