import type { Config } from '../../config/index.ts';
import { AppError } from '../../errors.ts';

/** Where collectors take traces: OTLP over HTTP. */
const TRACES_PATH = 'v1/traces';

/** Variables of the OpenTelemetry specification that turn export off. */
const off: readonly (readonly [name: string, value: string])[] = [
  ['OTEL_SDK_DISABLED', 'true'],
  ['OTEL_TRACES_EXPORTER', 'none'],
];

/**
 * The URL that traces go to, if they are exported at all: of the configuration, else of the variables
 * that all of OpenTelemetry's SDKs read. A URL without a path gets `/v1/traces`; the variable for all
 * signals always does. AppError `config_invalid` for what is no URL.
 * Source: https://opentelemetry.io/docs/specs/otel/protocol/exporter/
 */
export function tracesEndpoint(
  { telemetry }: Pick<Config, 'telemetry'>,
  env: NodeJS.ProcessEnv,
): string | undefined {
  if (off.some(([name, value]) => env[name]?.trim().toLowerCase() === value)) return undefined;
  const { endpoint } = telemetry.traces;
  if (endpoint !== null) return complete('telemetry.traces.endpoint', endpoint);
  const ofTraces = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT?.trim();
  if (ofTraces) return complete('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', ofTraces);
  const ofAll = env.OTEL_EXPORTER_OTLP_ENDPOINT?.trim();
  if (!ofAll) return undefined;
  const base = parse('OTEL_EXPORTER_OTLP_ENDPOINT', ofAll);
  base.pathname = `${base.pathname.replace(/\/$/, '')}/${TRACES_PATH}`;
  return base.href;
}

function complete(name: string, value: string): string {
  const url = parse(name, value);
  if (url.pathname === '/') url.pathname = TRACES_PATH;
  return url.href;
}

function parse(name: string, value: string): URL {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url && /^https?:$/.test(url.protocol)) return url;
  throw new AppError('config_invalid', `${name} is no http:// or https:// URL`, {
    hint: 'expected for example http://localhost:4318/v1/traces',
  });
}
