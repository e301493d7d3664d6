import type { RequestListener } from 'node:http';
import type { ModelDrift } from '../telemetry/index.ts';
import type { OpenedModel } from './open-model.ts';
import type { Limits, ModelStatus, ServedModel, ServerState } from './served-model.ts';

/**
 * A verified bundle with the engines, the queue and the application that serve it. A request stays with the
 * instance that it came to, so that everything it is told is of one model.
 */
export interface ModelInstance {
  readonly model: ServedModel;
  readonly limits: Limits;
  readonly drift: ModelDrift;
  /** Resolves once one engine has answered a warm-up; rejects where none ever will. */
  readonly ready: Promise<void>;
  /** As `ready`, of all engines at once. */
  readonly warm: Promise<void>;
  /** Engines that are up. */
  readonly enginesUp: number;
  /** Of the engines that are up. */
  readonly processIds: readonly number[];
  /** Whether engines come up only to end, again and again. */
  readonly isCrashLooping: boolean;
  /** Texts that wait. */
  readonly queueDepth: number;
  /** Resident bytes of its engines. */
  readonly memoryBytes: number;
  /** Answers a request that the server has received. */
  readonly handle: RequestListener;
  /** Takes no more work. */
  close(): void;
  /** Resolves once nothing that was admitted is left. */
  drained(): Promise<void>;
  /** Once no new request comes to it: resolves when its last one is answered and its engines are gone. */
  retire(): Promise<void>;
  /** Ends every engine. */
  stop(): Promise<void>;
}

/** What an instance is told of the others. */
export interface ModelsContext {
  /** Every model of the server, versions of a name from the lowest to the highest. */
  readonly models: () => readonly ModelStatus[];
  /** Serves a model as it is on disk now, see `ModelRepository.load`. */
  readonly reload: (name: string) => Promise<ServedModel>;
}

/** What an instance is told by the model that it is of. */
export interface InstanceContext extends ModelsContext {
  /** Engines on the CPU where the model has no number of its own. */
  readonly engines: number;
  readonly state: () => ServerState;
  /** To be called when its engines cannot be started again, as its bundle is not there any more. */
  readonly onLost: () => void;
}

export type CreateInstance = (opened: OpenedModel, context: InstanceContext) => ModelInstance;
