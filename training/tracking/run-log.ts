import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** One line of a run's log: what happened, and its figures. */
export interface LogEntry {
  readonly event: string;
  readonly [figure: string]: unknown;
}

export interface RunLog {
  write(entry: LogEntry): void;
  close(): void;
}

/**
 * Opens `log.jsonl` of a new run: one JSON object a line, in the order of events. Lines are written
 * at once, so that a run that is killed has told how far it came.
 */
export function openRunLog(file: string, now: () => Date = () => new Date()): RunLog {
  mkdirSync(dirname(file), { recursive: true });
  const descriptor = openSync(file, 'w');
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
