import { afterEach, describe, expect, it } from '@jest/globals';
import { diag } from '@opentelemetry/api';
import { listenToSdk } from '../../../../src/telemetry/tracing/sdk-diagnostics.ts';

let end = () => {};
afterEach(() => end());

/** What the SDK's warnings have come to. */
function listening() {
  const lost: (readonly [number, string])[] = [];
  const warned: unknown[] = [];
  end = listenToSdk((...loss) => lost.push(loss), {
    warn: (message, fields) => warned.push([message, fields]),
  });
  return { lost, warned };
}

const partial = (answer: string) => diag.warn(`Received Partial Success response: ${answer}`);

describe("the SDK's warnings", () => {
  it('of spans that a collector has refused with a success are losses, with its reason', () => {
    const { lost, warned } = listening();
    partial('{"rejectedSpans":"3","errorMessage":"too many attributes"}');
    partial('{"rejectedSpans":1}');
    // Nothing was refused, or nobody knows how many.
    for (const answer of ['{"rejectedSpans":"0"}', '{"errorMessage":"slow down"}', '{', '{}']) {
      partial(answer);
    }
    expect([lost, warned]).toEqual([
      [
        [3, 'too many attributes'],
        [1, 'the collector has refused some of them'],
      ],
      [],
    ]);
  });

  it('of other things are told once each, twenty of them at most', () => {
    const { lost, warned } = listening();
    for (let i = 0; i < 2; i += 1) diag.warn('the variable', 'is not understood');
    diag.warn('Dropped 7 spans because the queue was full');
    diag.error('what the exporter tells of itself');
    const first = ['OpenTelemetry warns', { warning: 'the variable is not understood' }];
    expect([lost, warned]).toEqual([[], [first]]);
    for (let i = 0; i < 30; i += 1) diag.warn(`number ${i}`);
    expect(warned).toHaveLength(20);
  });

  it('are heard no longer once that is ended', () => {
    const { warned } = listening();
    end();
    diag.warn('too late');
    expect(warned).toEqual([]);
  });
});
