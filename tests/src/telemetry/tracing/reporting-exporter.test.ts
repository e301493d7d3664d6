import { describe, expect, it } from '@jest/globals';
import type { LogFields } from '../../../../src/telemetry/logger.ts';
import { ReportingExporter } from '../../../../src/telemetry/tracing/reporting-exporter.ts';

type Exporter = ConstructorParameters<typeof ReportingExporter>[0];
type Export = Parameters<Exporter['export']>;

/** An exporter whose outcome and clock the test sets, and what the log was told. */
function reporting() {
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
    },
  );
  const outcomes: unknown[] = [];
  const send = (spans: number) =>
    exporter.export(new Array(spans) as Export[0], ({ code }) => outcomes.push(code));
  return { world, told, send, outcomes };
}

describe('a collector', () => {
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
});
