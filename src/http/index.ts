export { createApp } from './app.ts';
export type { AppDeps, Limits, ServedModel, ServerState } from './deps.ts';
export { createHttpServer, listen } from './listen.ts';
