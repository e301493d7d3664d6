import { describe, expect, it } from '@jest/globals';
import { BulkProgress } from '../../../src/bulk/progress.ts';

/** A terminal, or what is none, and a clock that the test sets. */
function screen(totalBytes?: number, isTTY = true) {
  const drawn: string[] = [];
  const clock = { ms: 5000 };
  const write = (text: string) => drawn.push(text);
  const progress = new BulkProgress({ isTTY, write }, totalBytes, () => clock.ms);
  return { drawn, clock, progress };
}

const CLEAR = '\r\u001b[K';

describe('progress on a terminal', () => {
  it('tells the texts, how many a second, and nothing of an end that is not known', () => {
    const { drawn, clock, progress } = screen();
    clock.ms += 4000;
    progress.update(12_346, 999);
    expect(drawn).toEqual([`${CLEAR}12,346 texts  3086.5 texts/s`]);
  });

  it('tells the share of a file that is read, and the seconds that the rest takes', () => {
    const { drawn, clock, progress } = screen(1000);
    clock.ms += 2000;
    progress.update(10, 250);
    clock.ms += 6000;
    progress.update(30, 1000);
    clock.ms += 6000;
    progress.update(31, 1001);
    const bar = (full: number) => '█'.repeat(full) + '░'.repeat(24 - full);
    expect(drawn).toEqual([
      `${CLEAR}${bar(6)} 25.0 %  10 texts  5.0 texts/s  6 s left`,
      `${CLEAR}${bar(24)} 100.0 %  30 texts  3.8 texts/s  0 s left`,
      `${CLEAR}${bar(24)} 100.0 %  31 texts  2.2 texts/s  0 s left`,
    ]);
  });

  it('has no time left to tell before anything is read', () => {
    const { drawn, clock, progress } = screen(1000);
    clock.ms += 2000;
    progress.update(0, 0);
    expect(drawn).toEqual([`${CLEAR}${'░'.repeat(24)} 0.0 %  0 texts  0.0 texts/s  0 s left`]);
  });

  it('is drawn five times a second at most', () => {
    const { drawn, clock, progress } = screen();
    for (let i = 0; i < 10; i += 1) {
      clock.ms += 100;
      progress.update(i, 0);
    }
    expect(drawn.map((line) => line.split('  ')[0])).toEqual(
      [0, 2, 4, 6, 8].map((count) => `${CLEAR}${count} texts`),
    );
  });

  it('is cleared once, where there is any', () => {
    const { drawn, clock, progress } = screen();
    progress.clear();
    expect(drawn).toEqual([]);
    clock.ms += 1000;
    progress.update(1, 0);
    progress.clear();
    progress.clear();
    expect(drawn.slice(1)).toEqual([CLEAR]);
  });
});

describe('progress without a terminal', () => {
  it('is not drawn', () => {
    const { drawn, clock, progress } = screen(1000, false);
    clock.ms += 1000;
    progress.update(1, 500);
    progress.clear();
    expect(drawn).toEqual([]);
  });
});
