import { describe, expect, it } from '@jest/globals';
import { takingTurns } from '../../src/taking-turns.ts';

describe('takingTurns', () => {
  it('runs one at a time, and once more for all who asked meanwhile', async () => {
    let running = 0;
    let runs = 0;
    const turn = takingTurns(async () => {
      running += 1;
      expect(running).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      runs += 1;
      return runs;
    });
    const first = turn();
    await Promise.resolve().then(() => {});
    expect(await Promise.all([first, turn(), turn()])).toEqual([1, 2, 2]);
    expect(await turn()).toBe(3);
  });

  it('goes on after a run that failed', async () => {
    let runs = 0;
    const turn = takingTurns(async () => {
      runs += 1;
      if (runs === 1) throw new Error('no');
      return runs;
    });
    await expect(turn()).rejects.toThrow('no');
    expect(await turn()).toBe(2);
  });
});
