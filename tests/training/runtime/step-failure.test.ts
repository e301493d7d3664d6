import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { initialLossScale } from '../../../training/optim/index.ts';
import { outcomeOf, StepFailure } from '../../../training/runtime/step-failure.ts';

const good = { loss: 0.5, gradNorm: 2 };

describe('what a step comes to', () => {
  it('is its numbers, with nothing of a loss scale where there is none', () => {
    expect(outcomeOf(good, 3)).toEqual({ result: good, scale: undefined });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])(
    'fails at a norm of %d without a loss scale',
    (gradNorm) => {
      const { failure } = outcomeOf({ loss: 0.5, gradNorm }, 3);
      expect(failure).toBeInstanceOf(StepFailure);
      expect(failure).toMatchObject({ step: 3, code: 'training_failed' });
      expect(failure?.message).toBe(
        `the norm of the gradients of step 3 is ${gradNorm}: expected a finite number`,
      );
      expect(failure?.hint).not.toContain('fp32');
    },
  );

  it('is an update or a skipped one, and halves the scale to 1 and no further, in any order', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 60 }), (fits) => {
        let scale = initialLossScale;
        for (const [i, fit] of fits.entries()) {
          const result = { loss: 1, gradNorm: fit ? 1 : Number.NaN };
          const { failure, ...outcome } = outcomeOf(result, i + 1, scale);
          const skips = fits.slice(0, i + 1).filter((one) => !one).length;
          if (skips > 16) {
            // The state is the one before it.
            expect(outcome.scale).toEqual(scale);
            expect(failure).toMatchObject({ step: i + 1, hint: expect.stringContaining('fp32') });
            return;
          }
          expect(failure).toBeUndefined();
          expect(outcome.result).toEqual({ ...result, skipped: !fit });
          expect(outcome.scale).toMatchObject({ scale: 2 ** (16 - skips), updates: i + 1 - skips });
          scale = outcome.scale ?? scale;
        }
      }),
    );
  });

  it('fails at a loss that is no number, whatever the scale is', () => {
    const { failure, scale } = outcomeOf({ loss: Number.NaN, gradNorm: 1 }, 7, initialLossScale);
    expect(failure?.message).toBe('the loss of step 7 is NaN: expected a finite number');
    expect(scale).toBe(initialLossScale);
  });
});
