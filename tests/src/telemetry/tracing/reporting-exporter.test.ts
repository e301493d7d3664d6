import { describe, expect, it } from '@jest/globals';
import type { LogFields } from '../../../../src/telemetry/logger.ts';
import { ReportingExporter } from '../../../../src/telemetry/tracing/reporting-exporter.ts';

type Exporter = ConstructorParameters<typeof ReportingExporter>[0];
type Export = Parameters<Exporter['export']>;

/** An exporter whose outcome and clock the test sets, and what the log was told. */
function reporting(mostWaiting?: number) {
  const world: { now: number; error: Error | undefined } = { now: 0, error: undefined };
  const told: [string, string, LogFields | undefined][] = [];
  const exporter = new ReportingExporter(
    {
      export: (_spans, done) => done(world.error ? { code: 1, error: world.error } : { code: 0 }),
      shutdown: () => Promise.resolve(),
    },
    {
      logger: {
        warn: (message, fields) => told.push(['warn', message, fields]),
        info: (message, fields) => told.push(['info', message, fields]),
      },
      now: () => world.now,
      ...(mostWaiting === undefined ? {} : { mostWaiting }),
    },
  );
  const outcomes: unknown[] = [];
  const send = (spans: number) =>
    exporter.export(new Array(spans) as Export[0], ({ code }) => outcomes.push(code));
  return { world, told, send, outcomes, exporter };
}

describe('a collector', () => {
  it('that fails has its spans counted', () => {
    const { world, exporter, send } = reporting();
    send(3);
    world.error = new Error('no');
    send(2);
    send(4);
    expect(exporter.lost).toBe(6);
  });

  it('that is too slow costs the spans for which the queue before it has no room', () => {
    const { exporter, told, send } = reporting(2);
    const kept: unknown[] = [];
    const nothing = () => Promise.resolve();
    const queue = exporter.watching({
      onStart: () => {},
      onEnd: (span) => kept.push(span),
      forceFlush: nothing,
      shutdown: nothing,
    });
    const end = (traceFlags: number) =>
      queue.onEnd({ spanContext: () => ({ traceFlags }) } as Parameters<typeof queue.onEnd>[0]);
    for (const flags of [1, 0, 1, 1, 0, 1]) end(flags);
    expect([exporter.lost, exporter.pending, kept.length]).toEqual([2, 2, 6]);
    expect(told).toHaveLength(1);
    send(2);
    end(1);
    expect([exporter.lost, exporter.pending]).toEqual([2, 1]);
  });

  it('that takes spans is not mentioned', () => {
    const { told, send, outcomes } = reporting();
    send(3);
    expect([told, outcomes]).toEqual([[], [0]]);
  });

  it('that fails is mentioned once a minute, and when it is back', () => {
    const { world, told, send, outcomes } = reporting();
    world.error = Object.assign(new Error(''), { code: 'ECONNREFUSED' });
    send(1);
    world.now = 59_999;
    send(2);
    world.now = 60_000;
    send(3);
    send(4);
    world.error = undefined;
    send(5);
    send(6);
    const cannot = 'traces cannot be exported';
    expect(told).toEqual([
      ['warn', cannot, { reason: 'ECONNREFUSED', lost_spans: 1 }],
      ['warn', cannot, { reason: 'ECONNREFUSED', lost_spans: 5 }],
      ['info', 'traces are exported again', { lost_spans: 4 }],
    ]);
    expect(outcomes).toEqual([1, 1, 1, 1, 0, 0]);
  });

  it('that comes and goes is still mentioned once a minute', () => {
    const { world, told, send } = reporting();
    for (let i = 0; i < 10; i += 1) {
      world.error = i % 2 === 0 ? new Error('Bad Gateway') : undefined;
      send(1);
    }
    expect(told.filter(([level]) => level === 'warn')).toHaveLength(1);
    expect(told.filter(([level]) => level === 'info')).toHaveLength(1);
  });

  it('is asked for what it holds back, and is closed', async () => {
    const asked: string[] = [];
    const logger = { warn: () => {}, info: () => {} };
    const inner = {
      export: () => {},
      forceFlush: async () => void asked.push('flush'),
      shutdown: async () => void asked.push('shutdown'),
    };
    const exporter = new ReportingExporter(inner, { logger, now: () => 0 });
    await exporter.forceFlush();
    await exporter.shutdown();
    expect(asked).toEqual(['flush', 'shutdown']);
    const { forceFlush: _none, ...without } = inner;
    await new ReportingExporter(without, { logger, now: () => 0 }).forceFlush();
  });
});
