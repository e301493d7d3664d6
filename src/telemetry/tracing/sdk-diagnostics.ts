import { type DiagLogger, DiagLogLevel, diag } from '@opentelemetry/api';
import type { Logger } from '../logger.ts';

/** What the SDK warns of when a collector has taken some of the spans alone, with OTLP's `partialSuccess`. */
const PARTIAL = 'Received Partial Success response:';

/** Warnings that the exporter's own report has been made of. */
const told = /^Dropped \d+ spans /;

/**
 * Listens to the SDK's warnings, which nobody hears otherwise: spans that a collector refuses with a success
 * are lost, and a variable with a value that the SDK does not understand is passed over. Each is told once.
 * The function that it gives back ends it.
 */
export function listenToSdk(
  lose: (spans: number, reason: string) => void,
  logger: Pick<Logger, 'warn'>,
): () => void {
  const heard = new Set<string>();
  const warn = (...parts: readonly unknown[]) => {
    const text = parts.map(String).join(' ');
    const at = text.indexOf(PARTIAL);
    if (at >= 0) {
      const { rejected, reason } = partOf(text.slice(at + PARTIAL.length));
      if (rejected > 0) lose(rejected, reason);
    } else if (!told.test(text) && !heard.has(text) && heard.size < MOST_HEARD) {
      heard.add(text);
      logger.warn('OpenTelemetry warns', { warning: text });
    }
  };
  const silent = () => {};
  // Its errors are the failures that the exporter's callback tells of, with the number of spans.
  const listener: DiagLogger = {
    warn,
    error: silent,
    info: silent,
    debug: silent,
    verbose: silent,
  };
  diag.setLogger(listener, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  return () => diag.disable();
}

/** Different texts, so that one with a number in it does not fill the log. */
const MOST_HEARD = 20;

/** Source: https://opentelemetry.io/docs/specs/otlp/#partial-success-1 */
function partOf(json: string): { readonly rejected: number; readonly reason: string } {
  const part: { readonly rejectedSpans?: unknown; readonly errorMessage?: unknown } = parse(json);
  return {
    rejected: Number(part.rejectedSpans ?? 0),
    reason: String(part.errorMessage ?? '') || 'the collector has refused some of them',
  };
}

function parse(json: string): object {
  try {
    return JSON.parse(json);
  } catch {
    // Then nothing is known of how many.
    return {};
  }
}
