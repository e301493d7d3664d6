import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { AppError, writeError } from '../../src/errors.ts';

/** One line of a run's log: what happened, and its figures. */
export interface LogEntry {
  readonly event: string;
  readonly [figure: string]: unknown;
}

export interface RunLog {
  write(entry: LogEntry): void;
  close(): void;
}

export interface RunLogOptions {
  /** Goes on with the log of a run that is resumed after so many updates; lines of later ones are dropped. */
  readonly resumeAfter?: number | undefined;
  /** For tests. */
  readonly now?: () => Date;
}

/**
 * Opens `log.jsonl` of a run: one JSON object a line, in the order of events. Lines are written
 * at once, so that a run that is killed has told how far it came.
 */
export function openRunLog(file: string, options: RunLogOptions = {}): RunLog {
  const { resumeAfter, now = () => new Date() } = options;
  mkdirSync(dirname(file), { recursive: true });
  requireFile(file);
  if (resumeAfter !== undefined) dropLinesAfter(file, resumeAfter);
  const descriptor = openSync(file, resumeAfter === undefined ? 'w' : 'a');
  let open = true;
  return {
    write: (entry) => {
      if (open)
        writeSync(descriptor, `${JSON.stringify({ time: now().toISOString(), ...entry })}\n`);
    },
    close: () => {
      if (open) closeSync(descriptor);
      open = false;
    },
  };
}

/** AppError `data_invalid` where something stands in the log's place that would be waited for. */
function requireFile(file: string): void {
  if (statSync(file, { throwIfNoEntry: false })?.isFile() ?? true) return;
  throw new AppError('data_invalid', `${file} is no file: expected the log of a run`, {
    hint: 'move it away, or name another run.name',
  });
}

/** Whether the training that a log tells of has ended, up to an update; what came after it does not count. */
export function hasTrainingEnded(file: string, step: number): boolean {
  if (!existsSync(file)) return false;
  requireFile(file);
  for (const line of readFileSync(file, 'utf8').split('\n').reverse()) {
    const event = eventOf(line);
    if ((stepOf(line) ?? Number.POSITIVE_INFINITY) > step) continue;
    if (event === 'end') return true;
    if (event === 'step') return false;
  }
  return false;
}

function eventOf(line: string): unknown {
  try {
    return (JSON.parse(line) as { event?: unknown }).event;
  } catch {
    return undefined;
  }
}

/**
 * Keeps the lines up to an update; the last line of a killed run may be cut off. A run's folder is locked: its one
 * temporary name is written over by the next run, where one was killed.
 */
function dropLinesAfter(file: string, step: number): void {
  if (!existsSync(file)) return;
  const kept = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => (stepOf(line) ?? Number.POSITIVE_INFINITY) <= step);
  const temporary = `${file}.tmp`;
  try {
    writeFileSync(temporary, kept.map((line) => `${line}\n`).join(''), { flush: true });
    renameSync(temporary, file);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw writeError(file, cause);
  }
}

/** The update that a line tells of; 0 for one that tells of none, undefined for what is no line. */
function stepOf(line: string): number | undefined {
  try {
    const { event, step }: { event?: unknown; step?: unknown } = JSON.parse(line);
    if (event === 'result') return undefined;
    return typeof step === 'number' ? step : 0;
  } catch {
    return undefined;
  }
}
