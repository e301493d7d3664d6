import { describe, expect, it } from '@jest/globals';
import { loadConfig } from '../../../src/config/index.ts';
import { Pace } from '../../../training/recipes/pace.ts';
import { timeAfterTraining, workAfterTraining } from '../../../training/recipes/time-limit.ts';

function measured() {
  const time = { ms: 0 };
  const pace = new Pace(() => time.ms);
  const takes = (ms: number) => async () => {
    time.ms += ms;
  };
  return { pace, takes };
}

const batch = (size: number) => ({ size });

describe('the pace of a training', () => {
  it('is not known before anything was measured', () => {
    expect(measured().pace.untilValidated(1000)).toBe(0);
  });

  it('takes a third of the steps so far for a validation, until one was measured', async () => {
    const { pace, takes } = measured();
    await pace.steps([batch(10), batch(10)], takes(600));
    await pace.steps([batch(10)], takes(300));
    // The last run of steps, and 60 texts of 10 ms.
    expect(pace.untilValidated(60)).toBe(300 + 600);
    await pace.validation(takes(5000));
    expect(pace.untilValidated(60)).toBe(300 + 5000);
    expect(pace.forward(30, 60)).toBe(2500);
  });
});

describe('what comes after training', () => {
  const splits = { validation: { length: 2000 }, test: { length: 1000 } };
  const config = (...overrides: string[]) =>
    loadConfig({ overrides: ['model.tokenizer=train', ...overrides], env: {} }).config;

  it('is told with its numbers of texts', () => {
    expect(workAfterTraining(config(), splits)).toMatch(
      /^validation and test on 3000 texts; int8 on 1000 texts/,
    );
    expect(workAfterTraining(config('quantize.scheme=none'), splits)).toBe(
      'validation and test on 3000 texts',
    );
  });

  it('is told with the time that the last validation suggests, where that is worth a line', async () => {
    const { pace, takes } = measured();
    await pace.validation(takes(20_000));
    // 10 ms a text: validation twice, test, and 1,000 texts on two models, each alone.
    expect(timeAfterTraining(config(), splits, pace)).toMatch(/: about 1:30$/);
    expect(timeAfterTraining(config(), splits, measured().pace)).toBeUndefined();
  });
});
