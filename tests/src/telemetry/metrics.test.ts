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
