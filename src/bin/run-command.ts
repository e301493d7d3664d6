import { writeSync } from 'node:fs';
import type { Argv } from 'yargs';
import { statedLogFormat } from '../config/index.ts';
import { AppError } from '../errors.ts';
import { withoutControls } from '../files/index.ts';

const STANDARD_ERROR = 2;

export interface RunOptions {
  /** Whether a failure also prints its stack; by default what `--verbose` on the command line says. */
  readonly verbose?: boolean;
  /** Standard output is a log: where it cannot be written, lines are lost and the command goes on. */
  readonly logsToOutput?: boolean;
}

/**
 * Runs a command's main function. A failure becomes `error: …` and `hint: …` on standard error, or one line
 * of JSON where `log.format` is json, and the process's exit code (`errorTable`; 1 for what is no AppError);
 * the process then ends by itself.
 */
export async function runCommand(
  main: () => Promise<void>,
  options: RunOptions = {},
): Promise<void> {
  process.stdout.on('error', options.logsToOutput ? lostLines() : endQuietlyOnClosedPipe);
  try {
    await main();
  } catch (error) {
    const verbose = options.verbose ?? process.argv.includes('--verbose');
    printError(error, verbose);
    process.exitCode = error instanceof AppError ? error.exitCode : 1;
  }
}

/** The lines that a failed command prints: what was wrong, what to do, and the stack where asked for. */
export function describeError(error: unknown, verbose: boolean): string {
  const { message, hint, stack } = partsOf(error, verbose);
  const lines = [`error: ${message}`];
  if (hint !== undefined) lines.push(`hint: ${hint}`);
  if (stack !== undefined) lines.push(stack);
  return lines.join('\n');
}

/** The same as a line of a JSON log. */
export function errorLine(error: unknown, verbose: boolean): string {
  const timestamp = new Date().toISOString();
  return JSON.stringify({ level: 'error', ...partsOf(error, verbose), timestamp });
}

/** What is to be said of an error. */
export function partsOf(error: unknown, verbose: boolean) {
  const known = error instanceof AppError ? error : undefined;
  const said = error instanceof Error ? error.message || error.name : String(error);
  const unknownHint = verbose ? undefined : 'run it again with --verbose to see where it failed';
  return {
    code: known?.code ?? 'internal',
    message: harmless(said),
    hint: known ? known.hint && harmless(known.hint) : unknownHint,
    stack: verbose ? stacks(error).join('\n') || undefined : undefined,
  };
}

/** A break of a line behind which something stands that only this program says. */
const FORGED = /\n(?=\s*(?:error|hint|warning|caused by|at)\b)/g;

/** Several lines are shown as such, but nothing of a file's name or of its contents acts on a terminal or poses as a line of ours. */
function harmless(text: string): string {
  return withoutControls(text.replaceAll(FORGED, '\\n'));
}

/** What of a command line says how the command is configured; it may be one that cannot be parsed. */
function configurationOf(argv: readonly string[]) {
  const flag = argv.findLastIndex((word) => /^--config(=|$)/.test(word));
  const [, inWord] = /^--config=(.*)$/s.exec(argv[flag] ?? '') ?? [];
  return {
    file: inWord ?? (flag < 0 ? undefined : argv[flag + 1]),
    overrides: argv.filter((word) => word.startsWith('log.format=')),
  };
}

/**
 * The settings that all commands share: unknown flags and words are errors (AppError `usage`), not a
 * help page; `--help`, `--version` and `--verbose` exist. Parse with `parseAsync`.
 */
export function strictArguments<T>(parser: Argv<T>, version: string): Argv<T> {
  return parser
    .strict()
    .detectLocale(false)
    .version(version)
    .help()
    .alias('help', 'h')
    .wrap(Math.min(100, process.stdout.columns ?? 100))
    .option('verbose', { type: 'boolean', default: false, describe: 'Print stacks and details' })
    .fail((message, error) => {
      if (error instanceof AppError) throw error;
      throw new AppError('usage', message ?? error.message, {
        hint: 'run it with --help to see every command and option',
      });
    }) as Argv<T>;
}

/** Synchronous, so that the lines are out even when the process ends right after. */
function printError(error: unknown, verbose: boolean): void {
  const isJson = statedLogFormat(configurationOf(process.argv.slice(2))) === 'json';
  try {
    writeSync(STANDARD_ERROR, `${(isJson ? errorLine : describeError)(error, verbose)}\n`);
  } catch {
    // Nobody reads standard error any more; the exit code still tells.
  }
}

function stacks(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const own = error.stack ? [error.stack] : [];
  const cause = error.cause === undefined ? [] : ['caused by:', ...stacks(error.cause)];
  return [...own, ...cause];
}

const SILENCE_MS = 60_000;

/** Says on standard error, once a minute, that the log cannot be written: a disk is full, its reader is gone. */
function lostLines(): (error: NodeJS.ErrnoException) => void {
  let lost = 0;
  let silentUntil = 0;
  return ({ message }) => {
    lost += 1;
    if (performance.now() < silentUntil) return;
    silentUntil = performance.now() + SILENCE_MS;
    const what = `the log cannot be written: ${message}; lines lost so far: ${lost}`;
    printError(new AppError('write_failed', what), false);
  };
}

/** `mbti-predict … | head` closes the pipe early: that is no failure worth a message. */
function endQuietlyOnClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit(process.exitCode ?? 0);
}
