export { createLogger, type LogFields, type Logger, type LoggerOptions } from './logger.ts';
export { type MeteredModel, type MeteredRoute, Metrics, type Probes } from './metrics.ts';
