import { describe, expect, it } from '@jest/globals';
import { Metrics, ModelDrift } from '../../../src/telemetry/index.ts';
import { samples, total } from '../../support/exposition.ts';

const model = {
  name: 'a "quoted" name',
  version: 'v',
  precision: 'fp32',
  axes: [{ name: 'tone', labels: ['warm', 'back\\slash'] }],
};

describe('Metrics', () => {
  it("adds Node's own metrics where asked", async () => {
    const metrics = new Metrics({ model, rejections: [], nodeDefaults: true });
    const exposition = await metrics.exposition();
    expect(exposition).toMatch(/^process_cpu_seconds_total /m);
    expect(exposition).toMatch(/^nodejs_eventloop_lag_seconds /m);
    const bare = await new Metrics({ model, rejections: [] }).exposition();
    expect(bare).not.toContain('nodejs_');
  });

  it('escapes labels', async () => {
    const exposition = await new Metrics({ model, rejections: [] }).exposition();
    expect(exposition).toContain('mbti_model_info{name="a \\"quoted\\" name",');
    expect(exposition).toContain('mbti_predictions_total{axis="tone",label="back\\\\slash"} 0');
  });

  it("notes the likelier label's probability as confidence", async () => {
    const metrics = new Metrics({ model, rejections: [] });
    const usage = { tokens: 5, truncated: true };
    metrics.predicted([{ dimension: 'tone', label: 'back\\slash', score: 0.25 }], usage);
    const exposition = await metrics.exposition();
    expect(total(exposition, 'mbti_prediction_confidence_sum')).toBe(0.75);
    expect(total(exposition, 'mbti_texts_truncated_total')).toBe(1);
    expect(total(exposition, 'mbti_tokens_total')).toBe(5);
  });

  it('begins drift anew with another model, and leaves it at 0 for one without a reference', async () => {
    const metrics = new Metrics({ model, rejections: [] });
    const reference = { texts: 9, features: { tone: { edges: [0.5], shares: [1, 0] } } };
    let drift = new ModelDrift(reference, model.axes, 10);
    metrics.attach({ queueDepth: () => 0, workersUp: () => 0, drift: () => drift });
    const text = { probabilities: [0.9], tokens: 5, windows: 1, unknownTokens: 0 };
    drift.observe(text);
    const tone = 'mbti_drift_psi{feature="tone"}';
    expect(samples(await metrics.exposition()).get(tone)).toBeGreaterThan(1);
    drift = new ModelDrift(undefined, [{ name: 'mood' }], 10);
    drift.observe(text);
    const found = samples(await metrics.exposition());
    expect(found.get(tone)).toBeUndefined();
    expect(found.get('mbti_drift_psi{feature="mood"}')).toBe(0);
    expect(found.get('mbti_drift_window_size')).toBe(0);
  });

  it('shows totals of others as they are at each scrape', async () => {
    const metrics = new Metrics({ model, rejections: [] });
    const now = { lost: 0, success: 0 };
    metrics.attach({
      queueDepth: () => 0,
      workersUp: () => 0,
      workerMemory: () => now.lost * 1000,
      predictionsLost: () => now.lost,
      spansLost: () => now.lost * 2,
      keysReloads: () => ({ success: now.success, failure: now.lost }),
    });
    for (const lost of [0, 3, 3, 7]) {
      now.lost = lost;
      now.success += 1;
      const found = samples(await metrics.exposition());
      expect(found.get('mbti_worker_memory_bytes')).toBe(lost * 1000);
      expect(found.get('mbti_prediction_log_lost_total')).toBe(lost);
      expect(found.get('mbti_spans_lost_total')).toBe(lost * 2);
      expect(found.get('mbti_api_keys_reloads_total{outcome="failure"}')).toBe(lost);
      expect(found.get('mbti_api_keys_reloads_total{outcome="success"}')).toBe(now.success);
    }
  });

  it('has a HELP and a TYPE for every metric, each in one group', async () => {
    const exposition = await new Metrics({ model, rejections: ['full'] }).exposition();
    const described = [...exposition.matchAll(/^# TYPE (\S+) (counter|gauge|histogram)$/gm)].map(
      ([, name]) => name,
    );
    expect(new Set(described).size).toBe(described.length);
    for (const series of samples(exposition).keys()) {
      const name = series.replace(/\{.*/, '');
      expect(described).toContain(
        described.includes(name) ? name : name.replace(/_(bucket|sum|count)$/, ''),
      );
    }
  });
});

/** What the values of a histogram are, where its name does not say seconds: their unit, least and most. */
const units: Readonly<Record<string, readonly [unit: string, least: number, most: number]>> = {
  mbti_batch_size: ['texts', 1, 64],
  mbti_batch_tokens: ['tokens', 8, 16_384],
  mbti_prediction_confidence: ['probability of the likelier of two labels', 0.55, 1],
};

describe('a histogram', () => {
  const bucketsOf = (exposition: string) => {
    const buckets = new Map<string, number[]>();
    for (const [, name = '', le] of exposition.matchAll(/^(\w+)_bucket\{le="([^"]+)"/gm)) {
      buckets.set(name, [...(buckets.get(name) ?? []), le === '+Inf' ? Infinity : Number(le)]);
    }
    return buckets;
  };

  it('is of seconds, or says its unit here, and has buckets for what may be of it', async () => {
    const metrics = new Metrics({ model, rejections: [] });
    metrics.declareRoutes([{ route: '/predict', methods: ['POST'], statuses: [200] }]);
    const exposition = await metrics.exposition();
    const histograms = [...exposition.matchAll(/^# TYPE (\S+) histogram$/gm)].map(
      ([, name]) => name,
    );
    const others = histograms.filter((name) => !name?.endsWith('_seconds'));
    expect(others.sort()).toEqual(Object.keys(units).sort());
    for (const name of histograms) {
      const series = [...(bucketsOf(exposition).get(name ?? '') ?? [])];
      const bounds = [...new Set(series)];
      expect([name, bounds]).toEqual([name, bounds.toSorted((a, b) => a - b)]);
      // From a millisecond to the default deadline of a request.
      const [, least, most] = units[name ?? ''] ?? ['seconds', 0.001, 30];
      expect([name, bounds.at(0), bounds.at(-2), bounds.at(-1)]).toEqual([
        name,
        least,
        most,
        Infinity,
      ]);
    }
  });

  it('of times has seconds, whatever they were measured in', async () => {
    const metrics = new Metrics({ model, rejections: [] });
    const [tokenizeMs, queueMs, computeMs] = [1500, 250, 40];
    metrics.textScored({
      ...{ probabilities: [0.5], tokens: 7, windows: 1, unknownTokens: 0 },
      ...{ tokenizeMs, queueMs, computeMs },
      batches: [
        { texts: 3, tokens: 90 },
        { texts: 1, tokens: 7 },
      ],
    });
    metrics.requestFinished({ route: '/predict', method: 'POST', status: 200, seconds: 1.79 });
    metrics.modelLoaded(2.5);
    const found = samples(await metrics.exposition());
    const sums = ['tokenize', 'queue', 'compute'].map((phase) =>
      found.get(`mbti_phase_duration_seconds_sum{phase="${phase}"}`),
    );
    expect(sums).toEqual([1.5, 0.25, 0.04]);
    expect(found.get('mbti_request_duration_seconds_sum{route="/predict"}')).toBe(1.79);
    expect(found.get('mbti_model_load_seconds')).toBe(2.5);
    expect([found.get('mbti_batch_size_sum'), found.get('mbti_batch_size_count')]).toEqual([4, 2]);
    expect(found.get('mbti_batch_tokens_sum')).toBe(97);
    expect(found.get('mbti_batch_tokens_bucket{le="8"}')).toBe(1);
  });
});

describe('names', () => {
  it('of counters end in _total, and those of gauges do not', async () => {
    const metrics = new Metrics({ model, rejections: ['full'], perModel: true });
    const types = [...(await metrics.exposition()).matchAll(/^# TYPE (\S+) (counter|gauge)$/gm)];
    expect(types.length).toBeGreaterThan(20);
    for (const [, name, type] of types) {
      expect([name, name?.endsWith('_total')]).toEqual([name, type === 'counter']);
      expect(name).toMatch(/^mbti_[a-z_]+[a-z]$/);
    }
  });
});

describe('with several models', () => {
  it('every model has its own gauges, and one that is gone has none', async () => {
    const metrics = new Metrics({ model, rejections: [], perModel: true });
    const drift = (size: number) => ({ size, psi: () => ({ tone: size / 10 }) });
    const one = { version: '1', queueDepth: 3, workersUp: 2, workerMemory: 5e6, drift: drift(7) };
    const two = { version: '2', queueDepth: 4, workersUp: 1, workerMemory: 6e6, drift: drift(8) };
    let models = [
      { name: 'a', ...one },
      { name: 'b', ...two },
    ];
    metrics.attach({ queueDepth: () => 0, workersUp: () => 0, models: () => models });
    const shown = async () => {
      const found = [...samples(await metrics.exposition())];
      return Object.fromEntries(
        found.filter(([series]) => /^mbti_model_.*version="[12]"/.test(series)),
      );
    };
    const ofA = {
      'mbti_model_worker_up{name="a",version="1"}': 2,
      'mbti_model_worker_memory_bytes{name="a",version="1"}': 5e6,
      'mbti_model_queue_depth{name="a",version="1"}': 3,
      'mbti_model_drift_window_size{name="a",version="1"}': 7,
      'mbti_model_drift_psi{name="a",version="1",feature="tone"}': 0.7,
    };
    expect(await shown()).toEqual({
      ...ofA,
      'mbti_model_worker_up{name="b",version="2"}': 1,
      'mbti_model_worker_memory_bytes{name="b",version="2"}': 6e6,
      'mbti_model_queue_depth{name="b",version="2"}': 4,
      'mbti_model_drift_window_size{name="b",version="2"}': 8,
      'mbti_model_drift_psi{name="b",version="2",feature="tone"}': 0.8,
    });
    models = models.slice(0, 1);
    expect(await shown()).toEqual(ofA);
  });
});
