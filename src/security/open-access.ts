import type { Config } from '../config/index.ts';
import type { Logger } from '../telemetry/index.ts';
import { ApiKeys } from './api-keys.ts';
import { RateLimiter } from './rate-limiter.ts';

/** What the section `security` of the configuration asks for. */
export interface ConfiguredAccess {
  /** To be closed when the server stops. */
  readonly keys?: ApiKeys;
  readonly rateLimiter?: RateLimiter;
  readonly corsOrigins: readonly string[];
  readonly trustedProxies: number;
}

/** AppError `file_missing` or `config_invalid` where the API keys cannot be read. */
export function openAccess(
  { security }: Pick<Config, 'security'>,
  logger: Logger,
): ConfiguredAccess {
  const { api_keys_file, rate_limit, rate_burst, cors_origins, trusted_proxies } = security;
  return {
    ...(api_keys_file === null ? {} : { keys: new ApiKeys(api_keys_file, logger) }),
    ...(rate_limit === null
      ? {}
      : {
          rateLimiter: new RateLimiter({
            perMinute: rate_limit,
            burst: rate_burst ?? Math.ceil(rate_limit),
          }),
        }),
    corsOrigins: cors_origins,
    trustedProxies: trusted_proxies,
  };
}
