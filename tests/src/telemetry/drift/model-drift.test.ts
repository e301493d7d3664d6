import { describe, expect, it } from '@jest/globals';
import { ModelDrift } from '../../../../src/telemetry/drift/model-drift.ts';
import { psi } from '../../../../src/telemetry/drift/psi.ts';

const axes = [{ name: 'tone' }, { name: 'mood' }];
const reference = {
  texts: 100,
  features: {
    tone: { edges: [0.5], shares: [0.5, 0.5] },
    unknown_rate: { edges: [0.5], shares: [0.5, 0.5] },
  },
};
const text = (unknownTokens: number, tokens = 3) => ({
  probabilities: [0.9, 0.1],
  tokens,
  windows: 1,
  unknownTokens,
});
const none = { tone: 0, mood: 0, text_length: 0, unknown_rate: 0 };

describe('the drift of a model', () => {
  it('is that of its texts, and 0 for what the reference does not know', () => {
    const drift = new ModelDrift(reference, axes, 10);
    expect([drift.size, drift.psi()]).toEqual([0, none]);
    drift.observe(text(0));
    expect(drift.size).toBe(1);
    const [high, low] = [psi([0.5, 0.5], [0, 1]), psi([0.5, 0.5], [1, 0])];
    expect(drift.psi()).toEqual({ ...none, tone: high, unknown_rate: low });
  });

  it('takes the one token of a text that is unknown for all of it', () => {
    const drift = new ModelDrift(reference, axes, 10);
    drift.observe(text(1));
    expect(drift.psi().unknown_rate).toBe(psi([0.5, 0.5], [0, 1]));
  });

  it('is none where the bundle has no reference', () => {
    const drift = new ModelDrift(undefined, axes, 10);
    drift.observe(text(0));
    expect([drift.size, drift.psi()]).toEqual([0, none]);
  });
});
