import { PassThrough } from 'node:stream';
import { createLogger } from '../../src/telemetry/index.ts';

/** A real logger whose lines nobody reads. */
export const quietLogger = createLogger({
  level: 'error',
  format: 'json',
  stream: new PassThrough().resume(),
});
