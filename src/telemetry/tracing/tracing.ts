/** A caller's span, as the header `traceparent` names it. */
export interface RemoteParent {
  /** Hex, 32 digits. */
  readonly traceId: string;
  /** Hex, 16 digits. */
  readonly spanId: string;
  readonly isSampled: boolean;
  /** The header `tracestate`. */
  readonly state?: string;
}

/** What is known of a request before it is routed. */
export interface BegunRequest {
  /** One of a fixed set, else `_OTHER`. */
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly scheme: string;
  readonly parent?: RemoteParent;
}

export interface FinishedRequest {
  /** The pattern, where there is a route of the path. */
  readonly route?: string;
  /** None where the client left before it was sent. */
  readonly status?: number;
  /** A code of errors.ts, or a status. */
  readonly error?: string;
}

/** A text that an engine has scored; never what it says. */
export interface TracedText {
  /** Its place among the request's texts. */
  readonly index: number;
  readonly tokens: number;
  readonly windows: number;
  readonly truncated: boolean;
  readonly queueMs: number;
  readonly tokenizeMs: number;
  readonly computeMs: number;
  /** The inference process. */
  readonly enginePid?: number | undefined;
}

/** What the texts of a request came to. */
export interface TracedScores {
  readonly model: { readonly name: string; readonly version: string };
  /** When the texts were admitted, of `performance.now()`. */
  readonly admitted: number;
  readonly scored: readonly TracedText[];
  /** Texts that the cache knew. */
  readonly known: number;
  /** The sum of `usage.tokens`. */
  readonly tokens: number;
}

/** The server's span of one request. */
export interface RequestSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly isSampled: boolean;
  /** Adds a span for every phase of every text. */
  scores(scores: TracedScores): void;
  /** To be called once. */
  end(request: FinishedRequest): void;
}

/** Makes spans of requests and sends them away. Nothing of it waits, nothing throws. */
export interface Tracing {
  begin(request: BegunRequest): RequestSpan;
  /** Spans that no collector has taken, since the start. */
  readonly lost: number;
  /** Sends what is left; resolves when that is done, or after a few seconds. */
  close(): Promise<void>;
}
