import {
  type Attributes,
  type Context,
  createTraceState,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type {
  BegunRequest,
  FinishedRequest,
  RemoteParent,
  RequestSpan,
  TracedScores,
  TracedText,
} from './tracing.ts';

/** Longer paths are cut: nothing of the server's own is as long. */
const MOST_PATH_CHARACTERS = 256;

/** The name of a request whose method is none of the known ones. */
const OTHER_METHOD_NAME = 'HTTP';

/** The time of a text, in its order, and what each part of it says. */
const phases: readonly {
  readonly name: string;
  readonly ms: (text: TracedText) => number;
  readonly attributes: (text: TracedText) => Attributes;
}[] = [
  { name: 'queue', ms: ({ queueMs }) => queueMs, attributes: () => ({}) },
  { name: 'tokenize', ms: ({ tokenizeMs }) => tokenizeMs, attributes: engineAttributes },
  { name: 'compute', ms: ({ computeMs }) => computeMs, attributes: engineAttributes },
];

/**
 * A span of kind SERVER with the attributes of OpenTelemetry's conventions.
 * Source: https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server
 */
export class OtlpRequestSpan implements RequestSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly isSampled: boolean;
  readonly #tracer: Tracer;
  readonly #span: Span;
  readonly #method: string;
  /** One clock for all spans of a request, which wall time that is set meanwhile cannot bend. */
  readonly #epochMs = Date.now() - performance.now();

  constructor(tracer: Tracer, { method, path, scheme, parent }: BegunRequest) {
    this.#tracer = tracer;
    this.#method = method === '_OTHER' ? OTHER_METHOD_NAME : method;
    this.#span = tracer.startSpan(
      this.#method,
      {
        kind: SpanKind.SERVER,
        startTime: this.#time(performance.now()),
        attributes: {
          'http.request.method': method,
          'url.path': path.slice(0, MOST_PATH_CHARACTERS),
          'url.scheme': scheme,
        },
      },
      parent ? trace.setSpanContext(ROOT_CONTEXT, remoteContext(parent)) : ROOT_CONTEXT,
    );
    const { traceId, spanId, traceFlags } = this.#span.spanContext();
    this.traceId = traceId;
    this.spanId = spanId;
    this.isSampled = (traceFlags & TraceFlags.SAMPLED) !== 0;
  }

  scores({ model, admitted, scored, known, tokens }: TracedScores): void {
    if (!this.#span.isRecording()) return;
    this.#span.setAttributes({
      'mbti.model.name': model.name,
      'mbti.model.version': model.version,
      'mbti.texts': scored.length + known,
      'mbti.tokens': tokens,
      'mbti.cache.hits': known,
    });
    const context = trace.setSpan(ROOT_CONTEXT, this.#span);
    for (const text of scored) this.#addPhases(context, text, admitted);
  }

  end({ route, status, error }: FinishedRequest): void {
    if (route !== undefined) {
      this.#span.updateName(`${this.#method} ${route}`).setAttribute('http.route', route);
    }
    if (status !== undefined) this.#span.setAttribute('http.response.status_code', status);
    if (error !== undefined) this.#span.setAttribute('error.type', error);
    // A client's mistake is no error of the server's span.
    if (status !== undefined && status >= 500) {
      this.#span.setStatus({ code: SpanStatusCode.ERROR });
    }
    this.#span.end(this.#time(performance.now()));
  }

  #addPhases(context: Context, text: TracedText, admitted: number): void {
    let begun = admitted;
    for (const { name, ms, attributes } of phases) {
      const ended = begun + ms(text);
      const span = this.#tracer.startSpan(
        name,
        {
          startTime: this.#time(begun),
          attributes: { 'mbti.text.index': text.index, ...attributes(text) },
        },
        context,
      );
      span.end(this.#time(ended));
      begun = ended;
    }
  }

  /** Milliseconds since 1970 of a time of `performance.now()`. */
  #time(performanceMs: number): number {
    return this.#epochMs + performanceMs;
  }
}

function engineAttributes({ tokens, windows, truncated, enginePid }: TracedText): Attributes {
  return {
    'mbti.text.tokens': tokens,
    'mbti.text.windows': windows,
    'mbti.text.truncated': truncated,
    ...(enginePid === undefined ? {} : { 'mbti.engine.pid': enginePid }),
  };
}

function remoteContext({ traceId, spanId, isSampled, state }: RemoteParent): SpanContext {
  return {
    traceId,
    spanId,
    isRemote: true,
    traceFlags: isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
    ...(state === undefined ? {} : { traceState: createTraceState(state) }),
  };
}
