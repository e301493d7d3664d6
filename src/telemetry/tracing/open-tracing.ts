import type { Config } from '../../config/index.ts';
import type { Logger } from '../logger.ts';
import { tracesEndpoint } from './endpoint.ts';
import type { Tracing } from './tracing.ts';

/**
 * The traces that the configuration or OpenTelemetry's own variables ask for, if they do. Only then is
 * the SDK loaded. AppError `config_invalid`.
 */
export async function openTracing(
  config: Pick<Config, 'telemetry'>,
  logger: Logger,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Tracing | undefined> {
  const endpoint = tracesEndpoint(config, env);
  if (endpoint === undefined) return undefined;
  const { OtlpTracing } = await import('./otlp-tracing.ts');
  const { service_name, sample_ratio, headers } = config.telemetry.traces;
  return new OtlpTracing({
    endpoint,
    headers: Object.fromEntries(headers.map(nameAndValue)),
    serviceName: service_name,
    sampleRatio: sample_ratio,
    logger,
  });
}

function nameAndValue(header: string): [string, string] {
  const equals = header.indexOf('=');
  return [header.slice(0, equals), header.slice(equals + 1)];
}
