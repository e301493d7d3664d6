import type { ModelCache } from '../cache/index.ts';
import type { Scheduler } from '../scheduler/index.ts';
import type { ApiKeys, RateLimiter } from '../security/index.ts';
import type { Task } from '../task/index.ts';
import type { Logger, Metrics, ModelDrift, PredictionLog, Tracing } from '../telemetry/index.ts';

/** The model behind the routes. */
export interface ServedModel {
  readonly name: string;
  readonly version: string;
  readonly precision: string;
  /** How the weights of its file are rounded, where that is not its precision: weight8 in place of int8. */
  readonly scheme?: string;
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

/** A model of the server, as it is now. */
export interface ModelStatus {
  readonly model: ServedModel;
  readonly limits: Limits;
  readonly state: ServerState;
  /** Engines that are up. */
  readonly workers: number;
  /** Texts that wait. */
  readonly queueDepth: number;
  /** Routes that name no model are its. */
  readonly isDefault: boolean;
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
