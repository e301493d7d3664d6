export { featuresOf, type ObservedText } from './drift/features.ts';
export { ModelDrift } from './drift/model-drift.ts';
export { binOf } from './drift/psi.ts';
export { createLogger, type Logger, type LoggerOptions } from './logger.ts';
export { type MeteredModel, Metrics, type Probes } from './metrics.ts';
export { openPredictionLog } from './prediction-log/open-prediction-log.ts';
export type { LoggedPrediction, PredictionLog } from './prediction-log/prediction-log.ts';
export { openTracing } from './tracing/open-tracing.ts';
export type { RemoteParent, RequestSpan, Tracing } from './tracing/tracing.ts';
