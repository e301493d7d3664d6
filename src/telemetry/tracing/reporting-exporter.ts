import type { SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { Logger } from '../logger.ts';

type Export = SpanExporter['export'];
type ExportResult = Parameters<Parameters<Export>[1]>[0];

/** A collector that stays away is mentioned once in so many milliseconds. */
const SILENCE_MS = 60_000;

/** `ExportResultCode.SUCCESS` of @opentelemetry/core, which is no dependency of its own here. */
const SUCCESS = 0;

/** `TraceFlags.SAMPLED` of @opentelemetry/api. */
const SAMPLED = 1;

export interface ReportingExporterOptions {
  readonly logger: Pick<Logger, 'warn' | 'info'>;
  /** Spans that the queue before this exporter holds; it drops further ones without a word. */
  readonly mostWaiting?: number;
  /** Milliseconds. */
  readonly now?: () => number;
}

/**
 * Sends spans with another exporter, counts those that no collector has taken, and tells the log when that
 * fails and when it works again.
 */
export class ReportingExporter implements SpanExporter {
  readonly #exporter: SpanExporter;
  readonly #logger: Pick<Logger, 'warn' | 'info'>;
  readonly #mostWaiting: number;
  readonly #now: () => number;
  /** Spans in the queue, where it is watched. */
  #waiting = 0;
  /** Spans on their way. */
  #sending = 0;
  #lost = 0;
  /** Since the last line in the log. */
  #untold = 0;
  /** When the log may be told of the next failure. */
  #silentUntil = 0;
  /** Whether its last line was of a failure. */
  #hasWarned = false;

  constructor(exporter: SpanExporter, options: ReportingExporterOptions) {
    const { logger, mostWaiting = Infinity, now = () => performance.now() } = options;
    this.#exporter = exporter;
    this.#logger = logger;
    this.#mostWaiting = mostWaiting;
    this.#now = now;
  }

  /** Spans that no collector has taken, since the start. */
  get lost(): number {
    return this.#lost;
  }

  /** Spans that have ended, and were neither taken nor lost so far. */
  get pending(): number {
    return this.#waiting + this.#sending;
  }

  /** The processor that keeps the queue before this exporter, watched: it does not tell what it drops. */
  watching(queue: SpanProcessor): SpanProcessor {
    return {
      onStart: (span, context) => queue.onStart(span, context),
      onEnd: (span) => {
        const isSampled = (span.spanContext().traceFlags & SAMPLED) !== 0;
        if (isSampled && this.#waiting < this.#mostWaiting) this.#waiting += 1;
        else if (isSampled) this.lose(1, 'the collector is too slow: spans are dropped');
        queue.onEnd(span);
      },
      forceFlush: () => queue.forceFlush(),
      shutdown: () => queue.shutdown(),
    };
  }

  export(...[spans, done]: Parameters<Export>): void {
    const count = spans.length;
    this.#waiting -= count;
    this.#sending += count;
    this.#exporter.export(spans, (result) => {
      this.#sending -= count;
      if (result.code === SUCCESS) this.#worked();
      else this.lose(count, reasonOf(result.error));
      done(result);
    });
  }

  /** Counts spans as lost, and tells the log unless it was told just now. */
  lose(spans: number, reason: string): void {
    this.#lost += spans;
    this.#untold += spans;
    if (this.#now() < this.#silentUntil) return;
    this.#silentUntil = this.#now() + SILENCE_MS;
    this.#hasWarned = true;
    this.#logger.warn('traces cannot be exported', { reason, lost_spans: this.#untold });
    this.#untold = 0;
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
    this.#logger.info('traces are exported again', { lost_spans: this.#untold });
    this.#untold = 0;
  }
}

/** A name that resolves to several addresses fails with an error that has a code and no message. */
function reasonOf(error: ExportResult['error']): string {
  const code = error && 'code' in error ? String(error.code) : undefined;
  return error?.message || code || 'the collector has refused them';
}
