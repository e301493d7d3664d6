import { choice, either, flag, integer, list, number, optional, text } from './formats.ts';
import { key } from './key.ts';

/** `*`, or scheme, host and port as browsers write them in `Origin`: no path, no slash at the end. */
const ORIGIN =
  /^(\*|[a-z][a-z0-9+.-]*:\/\/[a-z0-9.-]+(:\d{1,5})?|https?:\/\/\[[0-9a-f:.]+\](:\d{1,5})?)$/;

const URL_PREFIX = /^https?:\/\/[^\s/]/;

/** A header's name (RFC 9110), `=`, and its value: nothing that could end a line. */
const HEADER = /^[\w!#$%&'*+.^`|~-]+=[^\p{Cc}]*$/u;

const perModel = { perModel: true } as const;

/** How it runs and how it is served. */
export const servingKeys = {
  runtime: {
    device: key.learnt(
      'Where it runs; a device that is named but not there is an error',
      choice('auto', 'cpu', 'cuda', 'webgpu', 'coreml', 'dml'),
      'auto',
    ),
    precision: key.learnt(
      'When training: auto, fp32, fp16; when serving: auto, int8, fp32, fp16',
      choice('auto', 'fp32', 'fp16', 'int8'),
      'auto',
      perModel,
    ),
    batch_tokens: key.free(
      'Padded tokens of a batch of texts; 0: no batches',
      optional(integer(0, 1_000_000), '16384 on a device, 0 on the CPU'),
      null,
    ),
    threads: key.learnt('Threads of a training step; 0: one for each core', integer(0, 1024), 0),
    loop_steps: key.learnt(
      'Training steps in one run on a GPU; auto: copying the state takes under 5 %',
      either(choice('auto'), integer(1, 1024)),
      'auto',
    ),
    allow_cpu_fallback: key.learnt(
      'When training: operators that the device cannot run may run on the CPU',
      flag(),
      false,
    ),
  },
  server: {
    host: key.free('The address to listen on', text(), '0.0.0.0'),
    port: key.free('The port to listen on; 0: any free one', integer(0, 65535), 8000),
    workers: key.free(
      'Inference processes; 0: one for each core, or one on a device',
      integer(0, 256),
      0,
      perModel,
    ),
    drain_delay_ms: key.free(
      'How long requests are still taken after SIGTERM, while readiness says no',
      integer(0, 3600000),
      0,
    ),
    stall_timeout_ms: key.free(
      'How long an inference process may show no sign of life at a window of a text before it is replaced',
      integer(100, 86400000),
      120_000,
    ),
    watch: key.free('Whether a bundle that changes on disk is reloaded', flag(), false),
  },
  queue: {
    max_depth: key.free(
      'Texts that may wait; more are answered 429',
      integer(1, 1e6),
      512,
      perModel,
    ),
    max_tokens: key.free(
      'Tokens that may wait, estimated as 4 letters or one mark each; more are answered 429',
      integer(8, 1e9),
      262144,
      perModel,
    ),
    timeout_ms: key.free(
      'How long a request may take before it is answered 408',
      integer(1, 3600000),
      30000,
      perModel,
    ),
  },
  cache: {
    max_entries: key.free(
      'Results of texts that are kept and answered again without an engine; 0: none',
      integer(0, 1e7),
      0,
    ),
  },
  limits: {
    max_body_bytes: key.free(
      'The largest body; more is answered 413',
      integer(1, 1073741824),
      1048576,
      perModel,
    ),
    max_texts: key.free(
      'Texts in one request, at most queue.max_depth',
      optional(integer(1, 1e6), '128, or queue.max_depth where that is less'),
      null,
      perModel,
    ),
    // Finished models are measured on as many.
    max_windows: key.bundle(
      'Windows of one text that are scored; the rest is cut',
      integer(1, 1e5),
      32,
      perModel,
    ),
  },
  security: {
    api_keys_file: key.free(
      'A JSON file of API keys',
      optional(text(), 'predictions are open, admin routes closed'),
      null,
      { input: true },
    ),
    rate_limit: key.free(
      'Requests a minute of one API key, or else of one address; more are answered 429',
      optional(number({ above: 0, to: 1e6 }), 'no limit'),
      null,
    ),
    rate_burst: key.free(
      'Requests that may come at once after a silence',
      optional(integer(1, 1e6), 'security.rate_limit, rounded up'),
      null,
    ),
    trusted_proxies: key.free(
      'Proxies in front of the server, whose X-Forwarded-For tells the client address',
      integer(0, 16),
      0,
    ),
    cors_origins: key.free(
      'Whose web pages may call the server from a browser; ["*"]: any',
      list(text('an origin such as https://example.org, or *', ORIGIN)),
      [],
    ),
  },
  drift: {
    window: key.free(
      'Texts, the latest, whose drift is shown in the metrics',
      integer(1, 1e6),
      1000,
      perModel,
    ),
  },
  prediction_log: {
    file: key.free(
      'A file of JSON lines for what was predicted',
      optional(text(), 'predictions are not logged'),
      null,
    ),
    text: key.free(
      'hash: a text is logged as its SHA-256; keep: as it is',
      choice('hash', 'keep'),
      'hash',
    ),
    sample: key.free('The part of the texts that is logged', number({ from: 0, to: 1 }), 1),
    max_bytes: key.free(
      'A longer file is put aside, as is one of another day',
      integer(1000, 1e12),
      104857600,
    ),
    keep_files: key.free('Files put aside that are kept', integer(0, 1e5), 30),
    keep_days: key.free('Days after which a file put aside is removed', integer(1, 36500), 30),
  },
  telemetry: {
    traces: {
      endpoint: key.free(
        'The URL that spans are sent to, OTLP over HTTP; /v1/traces where it has no path',
        optional(
          text('an http:// or https:// URL', URL_PREFIX),
          'none, or that of OTEL_EXPORTER_OTLP_ENDPOINT',
        ),
        null,
      ),
      sample_ratio: key.free(
        'The part of the traces that begin here which is exported; others as the caller says',
        optional(number({ from: 0, to: 1 }), 'as OTEL_TRACES_SAMPLER says, or all'),
        null,
      ),
      service_name: key.free(
        'What the server is called in traces',
        optional(text(), 'OTEL_SERVICE_NAME, or mbti-onnx'),
        null,
      ),
      headers: key.free(
        'Headers that the collector wants, beside those of OTEL_EXPORTER_OTLP_HEADERS',
        list(text('name=value', HEADER)),
        [],
      ),
    },
  },
  log: {
    level: key.free(
      'The least important lines to log',
      choice('error', 'warn', 'info', 'debug'),
      'info',
    ),
    format: key.free(
      'json, pretty, or auto: pretty on a terminal',
      choice('auto', 'json', 'pretty'),
      'auto',
    ),
  },
};
