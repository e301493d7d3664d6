import { setTimeout as sleep } from 'node:timers/promises';
import type { Tracer } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  defaultResource,
  detectResources,
  envDetector,
  type Resource,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-base';
import { packageVersion } from '../../package-root.ts';
import type { Logger } from '../logger.ts';
import { OtlpRequestSpan } from './otlp-request-span.ts';
import { ReportingExporter } from './reporting-exporter.ts';
import { listenToSdk } from './sdk-diagnostics.ts';
import type { BegunRequest, RequestSpan, Tracing } from './tracing.ts';

// The only file that loads the SDK, and only where traces are exported. What is not said here the SDK
// takes from its OTEL_ variables: sampler, batches, timeouts, headers, compression, certificates.

export interface OtlpTracingOptions {
  readonly endpoint: string;
  /** Beside those of OTEL_EXPORTER_OTLP_HEADERS. */
  readonly headers: Readonly<Record<string, string>>;
  /** null: of OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES, or the product's name. */
  readonly serviceName: string | null;
  /** Of traces that begin here; null: as OTEL_TRACES_SAMPLER says, or all. */
  readonly sampleRatio: number | null;
  readonly logger: Pick<Logger, 'warn' | 'info'>;
}

const PRODUCT = 'mbti-onnx';

/** How long the end of the server waits for a collector. */
const CLOSE_MS = 2_000;

/** Spans in batches to a collector, OTLP in JSON over HTTP. */
export class OtlpTracing implements Tracing {
  readonly #provider: BasicTracerProvider;
  readonly #tracer: Tracer;
  readonly #exporter: ReportingExporter;
  readonly #logger: OtlpTracingOptions['logger'];
  readonly #stopListening: () => void;

  constructor({ endpoint, headers, serviceName, sampleRatio, logger }: OtlpTracingOptions) {
    this.#logger = logger;
    // First, since the SDK warns of variables when it reads them.
    this.#stopListening = listenToSdk(
      (spans, reason) => this.#exporter.lose(spans, reason),
      logger,
    );
    const otlp = new OTLPTraceExporter({ url: endpoint, headers: { ...headers } });
    const mostWaiting = queueSize(process.env.OTEL_BSP_MAX_QUEUE_SIZE);
    this.#exporter = new ReportingExporter(otlp, { logger, mostWaiting });
    const queue = new BatchSpanProcessor(this.#exporter);
    this.#provider = new BasicTracerProvider({
      resource: resourceOf(serviceName),
      ...(sampleRatio === null ? {} : { sampler: ratioSampler(sampleRatio) }),
      spanProcessors: [this.#exporter.watching(queue)],
    });
    this.#tracer = this.#provider.getTracer(PRODUCT, packageVersion);
  }

  begin(request: BegunRequest): RequestSpan {
    return new OtlpRequestSpan(this.#tracer, request);
  }

  get lost(): number {
    return this.#exporter.lost;
  }

  async close(): Promise<void> {
    // The log has been told of a failure.
    const closed = this.#provider.shutdown().catch(() => {});
    await Promise.race([closed, sleep(CLOSE_MS, undefined, { ref: false })]);
    this.#stopListening();
    const lost_spans = this.#exporter.pending;
    if (lost_spans > 0)
      this.#logger.warn('the last traces were not exported in time', { lost_spans });
  }
}

/** Spans that wait to be exported, as the SDK reads the variable. */
function queueSize(word: string | undefined): number {
  const given = Number(word);
  return word === undefined || word.trim() === '' || Number.isNaN(given) ? 2_048 : given;
}

/** A caller that has decided is followed; the share is of the traces that begin here. */
function ratioSampler(ratio: number): ParentBasedSampler {
  return new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) });
}

/** What later resources say wins. */
function resourceOf(serviceName: string | null): Resource {
  return defaultResource()
    .merge(resourceFromAttributes({ 'service.name': PRODUCT, 'service.version': packageVersion }))
    .merge(detectResources({ detectors: [envDetector] }))
    .merge(resourceFromAttributes(serviceName === null ? {} : { 'service.name': serviceName }));
}
