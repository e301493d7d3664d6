import type { ModelCache } from '../cache/index.ts';
import type { Limits, ModelStatus, ServedModel, ServerState } from '../models/index.ts';
import type { Scheduler } from '../scheduler/index.ts';
import type { ApiKeys, RateLimiter } from '../security/index.ts';
import type { Logger, Metrics, ModelDrift, PredictionLog, Tracing } from '../telemetry/index.ts';

/** Who may ask. Without it predictions are open to everybody, and admin routes to nobody. */
export interface Access {
  readonly keys?: Pick<ApiKeys, 'find'>;
  readonly rateLimiter?: Pick<RateLimiter, 'take'>;
  readonly corsOrigins?: readonly string[];
  /** Proxies in front of the server, whose X-Forwarded-For is believed. */
  readonly trustedProxies?: number;
}

/** All that the routes need. */
export interface AppDeps {
  readonly model: ServedModel;
  readonly scheduler: Pick<Scheduler, 'submit' | 'depth'>;
  readonly metrics: Metrics;
  /** Of this model. */
  readonly cache?: ModelCache;
  /** Of this model, for texts that no engine has scored. */
  readonly drift?: Pick<ModelDrift, 'observe'>;
  readonly logger: Logger;
  readonly limits: Limits;
  readonly access?: Access;
  readonly predictionLog?: Pick<PredictionLog, 'record'>;
  readonly tracing?: Pick<Tracing, 'begin'>;
  /** Of this model. */
  readonly state: () => ServerState;
  /** Every model of the server, versions of a name from the lowest to the highest; without it this one alone. */
  readonly models?: () => readonly ModelStatus[];
  /**
   * Serves the bundle of a model as it is on disk now. AppError where it cannot be, and the old one is
   * kept; `not_found` where there is none of this name.
   */
  readonly reload: (name: string) => Promise<ServedModel>;
  /** Engines of this model that are up. */
  readonly workersUp: () => number;
}
