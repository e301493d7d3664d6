import { describe, expect, it } from '@jest/globals';
import { Metrics } from '../../../src/telemetry/index.ts';
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
