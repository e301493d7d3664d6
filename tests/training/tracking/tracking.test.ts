import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import {
  clock,
  createProgress,
  hasTrainingEnded,
  openRunLog,
} from '../../../training/tracking/index.ts';
import { drawLine } from '../../../training/tracking/screen.ts';

/** A screen that remembers, and a clock that is set by hand. */
function watched(isTTY: boolean, env: NodeJS.ProcessEnv = {}) {
  const written: string[] = [];
  const time = { ms: 0 };
  const progress = createProgress({
    screen: { isTTY, columns: 120, write: (text: string) => written.push(text) },
    steps: 1000,
    epochs: 2,
    now: () => time.ms,
    env,
  });
  /** Steps of 10 ms, up to and with `last`. */
  const run = (first: number, last: number) => {
    for (let step = first; step <= last; step++) {
      time.ms += 10;
      progress.step({ step, epoch: step > 500 ? 2 : 1, loss: 0.5, tokens: 64 });
    }
  };
  return { progress, written, time, run };
}

describe('progress', () => {
  it('without a terminal prints a plain line every three seconds and the last step', () => {
    const { run, written } = watched(false);
    run(1, 1000);
    expect(written.map((line) => line.replace(/ {2}.*/s, '\n'))).toEqual([
      'epoch 1/2\n',
      'epoch 2/2\n',
      'epoch 2/2\n',
      'epoch 2/2\n',
    ]);
    expect(written[0]).toBe(
      'epoch 1/2  step 300/1000  loss 0.5000  100 steps/s  6400 tokens/s  0:07 left\n',
    );
    expect(written.at(-1)).toContain('step 1000/1000');
  });

  it('says how many steps were skipped, where any were', () => {
    const { progress, written } = watched(false);
    progress.step({ step: 1000, epoch: 2, loss: 1, tokens: 10, skipped: 3 });
    expect(written[0]).toContain('loss 1.0000  3 skipped  ');
  });

  it('on a terminal redraws one line at most ten times a second', () => {
    const { run, written } = watched(true);
    run(1, 1000);
    expect(written.length).toBeGreaterThan(50);
    expect(written.length).toBeLessThanOrEqual(100);
    expect(written.every((text) => text.startsWith('\r\u001b[K') && !text.includes('\n'))).toBe(
      true,
    );
    expect(written.at(-1)).toContain('loss 0.5000');
  });

  it('clears its line before other lines are printed', () => {
    const { run, progress, written } = watched(true);
    run(1, 20);
    progress.print('validation');
    expect(written.slice(-2)).toEqual(['\r\u001b[K', 'validation\n']);
  });

  it.each([{ TERM: 'dumb' }, { CI: 'true' }])('does not redraw where %j', (env) => {
    const { run, written } = watched(true, env);
    run(1, 400);
    expect(written.every((text) => text.endsWith('\n'))).toBe(true);
  });

  it('never draws wider than the terminal', () => {
    const written: string[] = [];
    const progress = createProgress({
      screen: { isTTY: true, columns: 40, write: (text: string) => written.push(text) },
      steps: 1,
      epochs: 1,
      env: {},
    });
    progress.step({ step: 1, epoch: 1, loss: 1, tokens: 10 });
    expect(written[0]?.replace('\r\u001b[K', '').length).toBeLessThan(40);
  });

  it('takes a terminal that does not say its width for one of 80 columns', () => {
    const written: string[] = [];
    const screen = { isTTY: true, write: (text: string) => written.push(text) };
    drawLine(screen, 'x'.repeat(100));
    drawLine({ ...screen, columns: 90 }, 'x'.repeat(100));
    expect(written).toEqual([`\r\u001b[K${'x'.repeat(79)}`, `\r\u001b[K${'x'.repeat(89)}`]);
  });

  it('shows a validation by its own clock', () => {
    const { progress, written, time } = watched(false);
    const validation = progress.pause('validate', 100, 'texts');
    time.ms += 3000;
    validation.at(50);
    expect(written).toEqual(['validate   50 of 100 texts, 0:03 left\n']);
  });

  it('tells how long something took by its own clock, which does not count in its rates', async () => {
    for (const [isTTY, told] of [
      [false, ['compile    it: took 0:04\n']],
      [true, ['\r\u001b[Kcompile    it …', '\r\u001b[K']],
    ] as const) {
      const { progress, written, time, run } = watched(isTTY);
      run(1, 5);
      const before = written.length;
      const result = await progress.wait('compile', 'it', async () => {
        time.ms += 4000;
        return 7;
      });
      const said = written.slice(before);
      expect([result, said]).toEqual([7, told]);
    }
    const dumb = watched(true, { TERM: 'dumb' });
    await dumb.progress.wait('compile', 'it', async () => 7);
    expect(dumb.written).toEqual([]);
  });

  it('does not count the time of a validation in its rates', () => {
    const { run, progress, written, time } = watched(false);
    run(1, 290);
    const validation = progress.pause('validate', 100, 'texts');
    time.ms += 60_000;
    validation.end();
    run(291, 300);
    expect(written.at(-1)).toContain('  100 steps/s');
  });

  it('shows long times in hours', () => {
    expect([7, 725, 3723].map(clock)).toEqual(['0:07', '12:05', '1:02:03']);
  });
});

describe('run log', () => {
  it('holds one JSON object a line, readable while the run goes on', () => {
    const dir = mkdtempSync(join(tmpdir(), 'mbti-log-'));
    try {
      const file = join(dir, 'run', 'log.jsonl');
      const log = openRunLog(file, { now: () => new Date(0) });
      log.write({ event: 'step', step: 1, loss: 0.7 });
      log.write({ event: 'step', step: 2, loss: Number.NaN });
      const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
      expect(lines.map((line) => JSON.parse(line))).toEqual([
        { time: '1970-01-01T00:00:00.000Z', event: 'step', step: 1, loss: 0.7 },
        { time: '1970-01-01T00:00:00.000Z', event: 'step', step: 2, loss: null },
      ]);
      log.close();
      log.write({ event: 'late' });
      expect(readFileSync(file, 'utf8')).not.toContain('late');
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it('tells whether training has ended, up to an update', () => {
    const dir = mkdtempSync(join(tmpdir(), 'mbti-log-'));
    try {
      const file = join(dir, 'log.jsonl');
      expect(hasTrainingEnded(file, 9)).toBe(false);
      const log = openRunLog(file);
      log.write({ event: 'start' });
      expect(hasTrainingEnded(file, 9)).toBe(false);
      for (const step of [1, 2]) log.write({ event: 'step', step });
      expect(hasTrainingEnded(file, 9)).toBe(false);
      log.write({ event: 'end', step: 3 });
      log.write({ event: 'test' });
      appendFileSync(file, '{"event":"cut of');
      log.close();
      expect([2, 3, 4].map((step) => hasTrainingEnded(file, step))).toEqual([false, true, true]);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it('goes on after the update that a run is resumed at, without what was lost', () => {
    const dir = mkdtempSync(join(tmpdir(), 'mbti-log-'));
    try {
      const file = join(dir, 'log.jsonl');
      const first = openRunLog(file);
      first.write({ event: 'start', config_hash: 'a' });
      for (const step of [1, 2, 3]) first.write({ event: 'step', step });
      first.close();
      appendFileSync(file, '{"event":"step","st');
      const second = openRunLog(file, { resumeAfter: 2 });
      second.write({ event: 'step', step: 3, again: true });
      second.close();
      const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
      expect(lines.map((line) => JSON.parse(line))).toMatchObject([
        { event: 'start' },
        { step: 1 },
        { step: 2 },
        { step: 3, again: true },
      ]);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
