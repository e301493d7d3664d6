import type { Writable } from 'node:stream';
import winston from 'winston';
import { escapeUnseen } from '../files/index.ts';

/** What a line says beside its message. Never a text that somebody sent. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Logger {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
}

export interface LoggerOptions {
  readonly level: 'error' | 'warn' | 'info' | 'debug';
  /** `auto`: pretty on a terminal, else JSON. */
  readonly format: 'auto' | 'json' | 'pretty';
  /** Standard output by default. */
  readonly stream?: Writable & { readonly isTTY?: boolean };
}

/** Lines of JSON, or lines for a person. */
export function createLogger({ level, format, stream = process.stdout }: LoggerOptions): Logger {
  const isPretty =
    format === 'pretty' ||
    (format === 'auto' && stream.isTTY === true && process.env.NODE_ENV !== 'production');
  return winston.createLogger({
    level,
    format: isPretty ? prettyFormat() : jsonFormat(),
    transports: [new winston.transports.Stream({ stream })],
  });
}

function jsonFormat(): winston.Logform.Format {
  return winston.format.combine(winston.format.timestamp(), winston.format.json());
}

/** `12:30:01 info  listening  url=http://localhost:8000` */
function prettyFormat(): winston.Logform.Format {
  return winston.format.printf(({ level, message, ...fields }) => {
    const time = new Date().toTimeString().slice(0, 8);
    const shown = Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name}=${oneLine(String(value))}`);
    return [time, level.padEnd(5), [oneLine(String(message)), ...shown].join('  ')].join(' ');
  });
}

/** A value cannot begin a line of its own, nor move the terminal's cursor. */
function oneLine(text: string): string {
  return escapeUnseen(text.replace(/\p{Cc}+/gu, ' '));
}
