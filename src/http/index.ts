export { createApp } from './app.ts';
export type { AppDeps } from './deps.ts';
export { createHttpServer, type HttpServer, listen } from './listen.ts';
export { modelInUrl } from './models.ts';
