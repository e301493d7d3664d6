import type { ModelCache } from '../cache/index.ts';
import type { Scheduler } from '../scheduler/index.ts';
import type { ApiKeys, RateLimiter } from '../security/index.ts';
import type { Task } from '../task/index.ts';
import type { Logger, Metrics, PredictionLog, Tracing } from '../telemetry/index.ts';

/** The model behind the routes. */
export interface ServedModel {
  readonly name: string;
  readonly version: string;
  readonly precision: string;
  /** Tokens of a window. */
  readonly maxLength: number;
  readonly task: Task;
  /** Whether its predictions can be explained: no. */
  readonly explains?: boolean;
}

export interface Limits {
  readonly maxBodyBytes: number;
  readonly maxTexts: number;
  readonly maxWindows: number;
  readonly maxDepth: number;
  /** How long a request may take unless it says so itself. */
  readonly timeoutMs: number;
}

/**
 * `starting`: no model has answered a warm-up yet. `ok`. `unavailable`: no engine is up, but one will
 * be. `draining`: it will stop soon, and still serves.
 */
export type ServerState = 'starting' | 'ok' | 'unavailable' | 'draining';

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
  readonly logger: Logger;
  readonly limits: Limits;
  readonly access?: Access;
  readonly predictionLog?: Pick<PredictionLog, 'record'>;
  readonly tracing?: Pick<Tracing, 'begin'>;
  readonly state: () => ServerState;
  /** Serves the bundle of this model as it is on disk now. AppError where it cannot be, and the old one is kept. */
  readonly reload: (name: string) => Promise<ServedModel>;
  /** Engines that are up. */
  readonly workersUp: () => number;
}
