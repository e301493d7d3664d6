export type { InstanceContext, ModelInstance } from './instance.ts';
export { metered } from './model-host.ts';
export type { ModelHosts } from './model-hosts.ts';
export { ModelRepository } from './model-repository.ts';
export { type OpenedModel, openModel } from './open-model.ts';
export { type OpenedModels, openModels } from './open-models.ts';
export {
  type Limits,
  type ModelStatus,
  type ServedModel,
  type ServerState,
  unknownModel,
} from './served-model.ts';
