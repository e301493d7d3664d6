import type { Config } from '../../src/config/index.ts';
import { AppError } from '../../src/errors.ts';
import {
  type OpenedFile,
  openFile,
  textLines,
  writeFileAtomically,
} from '../../src/files/index.ts';
import type { LoggedPrediction } from '../../src/telemetry/index.ts';
import { labelReader } from './labels.ts';

/** What became of a log's lines. */
export interface LogReport {
  kept: number;
  /** The log has their hashes alone. */
  withoutText: number;
  /** On an axis, the likelier label had a lower probability than asked for. */
  unsure: number;
  /** Of other axes or labels than the task's. */
  otherTask: number;
  /** No prediction: half a line, such as a crash leaves. */
  unreadable: number;
}

export interface FromLogOptions {
  /** Files of the log, those put aside too. */
  readonly logs: readonly string[];
  readonly out: string;
  /** The least probability of the likelier label, on every axis. */
  readonly minConfidence: number;
  /** A longer line is no prediction: 64 MiB. */
  readonly mostBytes?: number;
}

const MOST_BYTES = 64 * 2 ** 20;

/**
 * Writes the logged texts with the labels that were predicted for them as a CSV file of the task.
 * AppError as openFile, `write_failed`, or `data_invalid` where no line can be used.
 */
export async function trainingDataFromLog(
  task: Config['task'],
  { logs, out, minConfidence, mostBytes = MOST_BYTES }: FromLogOptions,
): Promise<LogReport> {
  const opened = logs.map((log) =>
    openFile(log, 'name a file that a server wrote to prediction_log.file'),
  );
  const report = { kept: 0, withoutText: 0, unsure: 0, otherTask: 0, unreadable: 0 };
  const lines = linesOf(opened, mostBytes);
  await writeFileAtomically(out, csvRows(task, lines, minConfidence, report));
  return report;
}

/** In constant memory, whatever the lines are. */
async function* linesOf(
  logs: readonly OpenedFile[],
  mostBytes: number,
): AsyncGenerator<string | AppError> {
  for (const { bytes } of logs) {
    for await (const { text } of textLines(bytes, mostBytes)) yield text;
  }
}

async function* csvRows(
  task: Config['task'],
  lines: AsyncIterable<string | AppError>,
  minConfidence: number,
  report: LogReport,
): AsyncGenerator<string> {
  yield csvLine([...labelReader(task).columns, task.text_column]);
  for await (const text of lines) {
    const row = text instanceof AppError ? 'unreadable' : readLine(text, task, minConfidence);
    if (typeof row === 'string') report[row] += 1;
    else {
      report.kept += 1;
      yield csvLine(row);
    }
  }
  if (report.kept > 0) return;
  const { withoutText, unsure, otherTask, unreadable } = report;
  throw new AppError(
    'data_invalid',
    `no line of the log can be used: ${withoutText} without text, ${unsure} unsure, ${otherTask} of another task, ${unreadable} unreadable`,
    { hint: 'texts are in the log only where the server runs with prediction_log.text=keep' },
  );
}

/** The cells of a logged text, labels first, or why it has none. */
function readLine(
  line: string,
  task: Config['task'],
  minConfidence: number,
): string[] | Exclude<keyof LogReport, 'kept'> {
  const logged = parse(line);
  if (!logged) return 'unreadable';
  const labels = task.axes.map(({ name }) => logged.labels[name] ?? '');
  const known = task.axes.every((axis, i) => axis.labels.some((label) => label === labels[i]));
  if (!known) return 'otherTask';
  if (logged.text === undefined) return 'withoutText';
  const sure = task.axes.every(({ name }) => {
    const score = logged.scores[name] ?? Number.NaN;
    return Math.max(score, 1 - score) >= minConfidence;
  });
  if (!sure) return 'unsure';
  return [...(task.label_column === null ? labels : [labels.join('')]), logged.text];
}

function parse(line: string): Pick<LoggedPrediction, 'labels' | 'scores' | 'text'> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  return isLogged(value) ? value : undefined;
}

function isLogged(value: unknown): value is Pick<LoggedPrediction, 'labels' | 'scores' | 'text'> {
  if (!isObject(value) || !isObject(value.labels) || !isObject(value.scores)) return false;
  return (
    Object.values(value.labels).every((label) => typeof label === 'string') &&
    Object.values(value.scores).every((score) => typeof score === 'number') &&
    (value.text === undefined || typeof value.text === 'string')
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** RFC 4180; a cell is quoted where it has to be. */
function csvLine(cells: readonly string[]): string {
  const quoted = cells.map((cell) =>
    /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell,
  );
  return `${quoted.join(',')}\n`;
}
