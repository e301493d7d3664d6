import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { createLogger, type LoggerOptions } from '../../../src/telemetry/index.ts';

function logged(options: Partial<LoggerOptions> & { isTTY?: boolean }, message: string): string {
  const stream = Object.assign(new PassThrough(), { isTTY: options.isTTY ?? false });
  const logger = createLogger({ level: 'info', format: 'auto', ...options, stream });
  logger.info(message, { route: '/predict\n{"level":"error"}', status: 200, nothing: undefined });
  logger.debug('not shown');
  return stream.read()?.toString() ?? '';
}

describe('createLogger', () => {
  it('writes one JSON object a line where nobody watches', () => {
    const line = logged({}, 'two\nlines');
    expect(line.trimEnd().split('\n')).toHaveLength(1);
    expect(JSON.parse(line)).toMatchObject({ level: 'info', message: 'two\nlines', status: 200 });
    expect(JSON.parse(line).timestamp).toMatch(/^\d{4}-\d\d-\d\dT/);
  });

  it('writes one readable line on a terminal, with no way to forge another', () => {
    const line = logged({ isTTY: true }, 'evil\n\x1b[2Jmessage');
    expect(line).toMatch(
      /^\d\d:\d\d:\d\d info {2}evil \[2Jmessage {2}route=\/predict .* {2}status=200\n$/,
    );
  });

  it('does as the configuration says, whatever the stream is', () => {
    expect(logged({ format: 'json', isTTY: true }, 'hello')).toMatch(/^\{/);
    expect(logged({ format: 'pretty' }, 'hello')).toMatch(/^\d\d:/);
    expect(logged({ level: 'warn' }, 'hello')).toBe('');
  });
});
