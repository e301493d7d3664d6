export { createApp } from './app.ts';
export type { AppDeps, Limits, ModelStatus, ServedModel, ServerState } from './deps.ts';
export { createHttpServer, type HttpServer, listen } from './listen.ts';
export { modelInUrl, unknownModel } from './models.ts';
