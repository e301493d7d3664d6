import { describe, expect, it } from '@jest/globals';
import { loadConfig } from '../../../../src/config/index.ts';
import { Pace } from '../../../../training/recipes/learn/pace.ts';
import {
  timeAfterTraining,
  workAfterTraining,
} from '../../../../training/recipes/learn/time-limit.ts';

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
    expect(pace.forward(3, 1)).toBe(15_000);
  });
});

describe('what comes after training', () => {
  const texts = (count: number, tokens: number) =>
    Array.from({ length: count }, () => ({ ids: { length: tokens } }));
  const short = { validation: texts(2000, 20), test: texts(1000, 20) };
  const config = (...overrides: string[]) =>
    loadConfig({ overrides: ['model.tokenizer=train', ...overrides], env: {} }).config;

  it('is told with its numbers of texts and windows', () => {
    expect(workAfterTraining(config(), short)).toBe(
      'validation and test as they are served: 3,000 texts, 3,000 windows; ' +
        'int8 on 1,000 texts, and again, with 128 more, as long as it misses its limits, then weight8',
    );
    expect(workAfterTraining(config('quantize.scheme=none'), short)).toBe(
      'validation and test as they are served: 3,000 texts, 3,000 windows',
    );
  });

  it('counts the windows of long texts that the server scores, and takes fewer of them for int8', () => {
    // Windows hold 62 ids: 9 of each text, of which 8 are scored.
    const long = { validation: texts(2000, 62 * 9), test: texts(1000, 20) };
    const settings = ['train.max_length=64', 'limits.max_windows=8'];
    expect(workAfterTraining(config(...settings), long)).toMatch(
      /: 3,000 texts, 17,000 windows; int8 on 500 texts/,
    );
  });

  it('is told with the time that the last validation suggests, where that is worth a line', async () => {
    const { pace, takes } = measured();
    await pace.validation(takes(20_000));
    // 10 ms a text: validation, test, and 1,000 texts on two models, each alone.
    expect(timeAfterTraining(config(), short, pace)).toMatch(/: about 1:10$/);
    expect(timeAfterTraining(config(), short, measured().pace)).toBeUndefined();
  });

  it('is worth a line from two seconds on', async () => {
    const { pace, takes } = measured();
    await pace.validation(takes(1000));
    const none = config('quantize.scheme=none');
    // 1 ms a text.
    const told = (count: number) =>
      timeAfterTraining(none, { validation: texts(1000, 20), test: texts(count, 20) }, pace);
    expect(told(999)).toBeUndefined();
    expect(told(1000)).toMatch(/: about 0:02$/);
  });

  it('takes as much longer as texts have windows', async () => {
    const { pace, takes } = measured();
    await pace.validation(takes(20_000));
    const long = { validation: texts(2000, 124), test: texts(1000, 124) };
    const settings = ['train.max_length=64', 'quantize.scheme=none'];
    expect(timeAfterTraining(config(...settings), long, pace)).toMatch(/: about 1:00$/);
  });
});
