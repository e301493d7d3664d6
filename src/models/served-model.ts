import { AppError } from '../errors.ts';
import { shown } from '../files/index.ts';
import type { Task } from '../task/index.ts';

/** A model as requests see it. */
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

/** What one model takes of a request. */
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

/** AppError `not_found` for the name of a model that none of these has. */
export function unknownModel(name: string, known: readonly string[]): AppError {
  const names = [...new Set(known)].map(shown).join(', ');
  return new AppError('not_found', `there is no model ${shown(name)}: this server has ${names}`);
}
