import { describe, expect, it } from '@jest/globals';
import { timeLimit } from '../../src/time-limit.ts';

const never = new Promise<never>(() => {});

describe('timeLimit', () => {
  it('gives up what never comes, and whatever follows after the same time', async () => {
    const inTime = timeLimit(5);
    const error = {
      code: 'engine_failed',
      message: 'loading a took longer than 5 ms',
      hint: 'models.load_timeout_ms is the limit',
    };
    await expect(inTime(never, 'loading a')).rejects.toMatchObject(error);
    await expect(inTime(never, 'loading a')).rejects.toMatchObject(error);
  });

  it('hands on what comes in time, and what fails', async () => {
    const inTime = timeLimit(60_000);
    expect(await inTime(Promise.resolve(7), 'it')).toBe(7);
    await expect(inTime(Promise.reject(new Error('no')), 'it')).rejects.toThrow('no');
  });
});
