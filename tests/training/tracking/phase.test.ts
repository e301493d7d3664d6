import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { inPhase, startPhase, whileWaiting } from '../../../training/tracking/index.ts';

function watched(isTTY: boolean) {
  const written: string[] = [];
  const time = { ms: 0 };
  const screen = { isTTY, columns: 60, write: (text: string) => written.push(text) };
  return { screen, written, time, options: { now: () => time.ms, env: {} } };
}

const texts = { label: 'validate', unit: 'texts', total: 3000 };

describe('a phase', () => {
  it('that ends within two seconds is not shown without a terminal', () => {
    const { screen, written, time, options } = watched(false);
    const phase = startPhase(screen, { ...texts, ...options });
    for (let done = 0; done < 190; done++) {
      time.ms += 10;
      phase.at(done);
    }
    phase.end();
    expect(written).toEqual([]);
  });

  it('that takes longer prints a line after two seconds, then every ten, and one at its end', () => {
    const { screen, written, time, options } = watched(false);
    const phase = startPhase(screen, { ...texts, ...options });
    for (let done = 1; done <= 3000; done++) {
      time.ms += 10;
      phase.at(done);
    }
    phase.end();
    expect(written).toEqual([
      'validate   200 of 3,000 texts, 0:28 left\n',
      'validate   1,200 of 3,000 texts, 0:18 left\n',
      'validate   2,200 of 3,000 texts, 0:08 left\n',
      'validate   3,000 of 3,000 texts, took 0:30\n',
    ]);
  });

  it('of which nobody knows the end says how long it takes already', () => {
    const { screen, written, time, options } = watched(false);
    const phase = startPhase(screen, { label: 'read', unit: 'rows', ...options });
    time.ms = 3000;
    phase.at(1234567);
    expect(written).toEqual(['read       1,234,567 rows, 0:03\n']);
  });

  it('on a terminal is one line, redrawn, cleared for other lines and at its end', () => {
    const { screen, written, time, options } = watched(true);
    const phase = startPhase(screen, { ...texts, ...options });
    for (const ms of [100, 300, 350, 450]) {
      time.ms = ms;
      phase.at(ms);
    }
    expect(written).toHaveLength(2);
    phase.write('int8\n');
    phase.end();
    expect(written.slice(2)).toEqual(['\r\u001b[K', 'int8\n', '\r\u001b[K']);
    expect(written.slice(0, 2).every((text) => text.startsWith('\r\u001b[Kvalidate'))).toBe(true);
  });

  it('ends with the work, when that fails too', async () => {
    const { screen, written, time, options } = watched(false);
    const work = inPhase(screen, { ...texts, ...options }, (at) => {
      time.ms = 2500;
      at(7);
      throw new Error('broken');
    });
    await expect(work).rejects.toThrow('broken');
    expect(written.at(-1)).toBe('validate   7 of 3,000 texts, took 0:03\n');
  });
});

afterEach(() => {
  jest.useRealTimers();
});

describe('waiting', () => {
  it('says nothing of what is short, and how long it took of what was not', async () => {
    const { screen, written, time, options } = watched(false);
    const waiting = { label: 'compile', what: 'the graphs', ...options };
    expect(await whileWaiting(screen, waiting, () => 5)).toBe(5);
    expect(written).toEqual([]);
    await whileWaiting(screen, waiting, () => {
      time.ms += 4000;
    });
    expect(written).toEqual(['compile    the graphs: took 0:04\n']);
  });

  it('says that it goes on, after two seconds and then every ten', async () => {
    jest.useFakeTimers();
    const { screen, written, time, options } = watched(false);
    const pass = (ms: number) => {
      time.ms += ms;
      jest.advanceTimersByTime(ms);
    };
    await whileWaiting(screen, { label: 'compile', what: 'it', ...options }, () => {
      for (let i = 0; i < 13; i += 1) pass(1000);
    });
    pass(60_000);
    expect(written).toEqual([
      'compile    it … 0:02\n',
      'compile    it … 0:12\n',
      'compile    it: took 0:13\n',
    ]);
  });

  it('says on a terminal every second how long it takes already', async () => {
    jest.useFakeTimers();
    const { screen, written, time, options } = watched(true);
    await whileWaiting(screen, { label: 'compile', what: 'it', ...options }, () => {
      for (let i = 0; i < 2; i += 1) {
        time.ms += 1000;
        jest.advanceTimersByTime(1000);
      }
    });
    const lines = written.map((text) => text.replace('\r\u001b[K', ''));
    expect(lines).toEqual(['compile    it …', 'compile    it … 0:01', 'compile    it … 0:02', '']);
  });

  it('says beforehand what keeps the process busy for long', async () => {
    const { screen, written, options } = watched(false);
    await whileWaiting(screen, { label: 'compile', what: 'it', busy: true, ...options }, () => 0);
    expect(written).toEqual(['compile    it …\n', 'compile    it: took 0:00\n']);
  });

  it('on a terminal is shown at once and cleared', async () => {
    const { screen, written, options } = watched(true);
    await whileWaiting(screen, { label: 'compile', what: 'it', ...options }, () => 0);
    expect(written).toEqual(['\r\u001b[Kcompile    it …', '\r\u001b[K']);
  });
});
