import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const powersOfTwo = (from: number, to: number): number[] =>
  from > to ? [] : [from, ...powersOfTwo(from * 2, to)];

/** Where a text's time goes. */
export const phases = ['tokenize', 'queue', 'compute'] as const;

/** What becomes of something that is loaded anew. */
export const outcomes = ['success', 'failure'] as const;
export type Outcome = (typeof outcomes)[number];

/** Makes metrics that have the product's prefix. */
function makersOf(registry: Registry) {
  const counter = <T extends string>(name: string, help: string, ...labelNames: T[]) =>
    new Counter({ name: `mbti_${name}`, help, labelNames, registers: [registry] });
  const gauge = <T extends string>(name: string, help: string, ...labelNames: T[]) =>
    new Gauge({ name: `mbti_${name}`, help, labelNames, registers: [registry] });
  const histogram = <T extends string>(
    name: string,
    help: string,
    buckets: number[],
    ...labelNames: T[]
  ) => new Histogram({ name: `mbti_${name}`, help, buckets, labelNames, registers: [registry] });
  return { counter, gauge, histogram };
}

/** Every metric of the product, in the order of its exposition. */
export function metricTable(registry: Registry) {
  const { counter, gauge, histogram } = makersOf(registry);
  return {
    requests: counter('requests_total', 'Requests answered', 'route', 'method', 'status'),
    requestDuration: histogram(
      'request_duration_seconds',
      'From the arrival of a request to the end of its answer',
      seconds,
      'route',
    ),
    phaseDuration: histogram(
      'phase_duration_seconds',
      'Where the time of a text goes',
      seconds,
      'phase',
    ),
    queueDepth: gauge('queue_depth', 'Texts that wait for an engine'),
    queueRejected: counter(
      'queue_rejected_total',
      'Requests turned away or given up, by reason',
      'reason',
    ),
    batchSize: histogram('batch_size', 'Texts scored together', powersOfTwo(1, 64)),
    batchTokens: histogram('batch_tokens', 'Tokens scored together', powersOfTwo(8, 16_384)),
    tokens: counter('tokens_total', 'Tokens of the texts that were answered'),
    cacheHits: counter('cache_hits_total', 'Texts that were answered from the cache'),
    cacheMisses: counter('cache_misses_total', 'Texts that the cache did not know'),
    truncated: counter('texts_truncated_total', 'Texts of which not all was scored'),
    predictions: counter('predictions_total', 'Predictions by axis and label', 'axis', 'label'),
    confidence: histogram(
      'prediction_confidence',
      'Probability of the likelier label',
      [0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.99, 1],
      'axis',
    ),
    driftPsi: gauge('drift_psi', 'Population stability index against the training data', 'feature'),
    driftWindow: gauge('drift_window_size', 'Texts that drift_psi is computed from'),
    workersUp: gauge('worker_up', 'Inference processes that can score'),
    workerRestarts: counter('worker_restarts_total', 'Inference processes started again'),
    workerMemory: gauge('worker_memory_bytes', 'Resident memory of the inference processes'),
    modelInfo: gauge('model_info', 'The served model', 'name', 'version', 'precision'),
    modelLoad: gauge('model_load_seconds', 'Time that loading and warming the model took'),
    ...lossTable(registry),
    buildInfo: gauge('build_info', 'What runs here', 'version', 'node', 'onnxruntime'),
  };
}

/** What else would go wrong in the log alone. */
function lossTable(registry: Registry) {
  const { counter } = makersOf(registry);
  return {
    reloads: counter(
      'reloads_total',
      'Bundles loaded since the start, and refused: what was served before is served on',
      'model',
      'outcome',
    ),
    keysReloads: counter(
      'api_keys_reloads_total',
      'Changed files of API keys that were read, and refused: the keys before stay',
      'outcome',
    ),
    predictionLogLost: counter('prediction_log_lost_total', 'Predictions that were not logged'),
    spansLost: counter('spans_lost_total', 'Spans that no collector has taken'),
  };
}
