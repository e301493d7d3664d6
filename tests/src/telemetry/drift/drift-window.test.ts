import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DriftWindow } from '../../../../src/telemetry/drift/drift-window.ts';
import { psi } from '../../../../src/telemetry/drift/psi.ts';

const axes = [{ name: 'tone' }];
const halves = { edges: [0.5], shares: [0.5, 0.5] };
const reference = {
  texts: 100,
  features: {
    tone: halves,
    text_length: { edges: [8], shares: [1, 0] },
    unknown_rate: halves,
    'another model’s axis': halves,
  },
};
const text = (probability: number, change = {}) => ({
  probabilities: [probability],
  tokens: 10,
  windows: 1,
  unknownTokens: 0,
  ...change,
});

describe('a window of texts', () => {
  it('has drifted by nothing at the start', () => {
    const window = new DriftWindow(reference, axes, 4);
    expect(window.size).toBe(0);
    expect(window.psi()).toEqual({ tone: 0, text_length: 0, unknown_rate: 0 });
  });

  it('forgets the oldest texts', () => {
    const window = new DriftWindow(reference, axes, 4);
    for (const p of [0.9, 0.9, 0.1, 0.9]) window.observe(text(p));
    expect(window.psi().tone).toBe(psi([0.5, 0.5], [0.25, 0.75]));
    for (const p of [0.1, 0.9]) window.observe(text(p));
    expect(window.size).toBe(4);
    expect(window.psi().tone).toBe(0);
    for (const p of [0.1, 0.1, 0.1]) window.observe(text(p));
    expect(window.psi().tone).toBe(psi([0.5, 0.5], [0.75, 0.25]));
  });

  it('is that of its last texts alone, however many there were', () => {
    const observed = fc.record({
      probability: fc.constantFrom(0, 0.25, 0.5, 0.75, 1),
      tokens: fc.integer({ min: 2, max: 20 }),
      unknownTokens: fc.nat(9),
    });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 7 }),
        fc.array(observed, { maxLength: 30 }),
        (capacity, all) => {
          const window = new DriftWindow(reference, axes, capacity);
          for (const [i, { probability, ...rest }] of all.entries()) {
            window.observe(text(probability, rest));
            const last = all.slice(Math.max(0, i + 1 - capacity), i + 1);
            const fresh = new DriftWindow(reference, axes, last.length);
            for (const one of last) {
              fresh.observe(
                text(one.probability, { tokens: one.tokens, unknownTokens: one.unknownTokens }),
              );
            }
            expect(window.size).toBe(last.length);
            expect(window.psi()).toEqual(fresh.psi());
            const high = last.filter((one) => one.probability > 0.5).length;
            const shares = [last.length - high, high].map((count) => count / last.length);
            expect(window.psi().tone).toBe(psi([0.5, 0.5], shares));
          }
        },
      ),
    );
  });

  it('counts lengths and unknown tokens without the special tokens of each window', () => {
    const window = new DriftWindow(reference, axes, 10);
    window.observe(text(0.5, { tokens: 12, windows: 2, unknownTokens: 4 }));
    expect(window.psi().text_length).toBe(psi([1, 0], [1, 0]));
    expect(window.psi().unknown_rate).toBe(psi([0.5, 0.5], [1, 0]));
    window.observe(text(0.5, { tokens: 13, windows: 2, unknownTokens: 5 }));
    expect(window.psi().text_length).toBe(psi([1, 0], [0.5, 0.5]));
    expect(window.psi().unknown_rate).toBe(0);
  });

  it('takes a text of no tokens', () => {
    const window = new DriftWindow(reference, axes, 10);
    window.observe(text(0.5, { tokens: 2 }));
    expect(window.psi().unknown_rate).toBe(psi([0.5, 0.5], [1, 0]));
  });
});
