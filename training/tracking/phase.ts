import { clock } from './clock.ts';
import { clearLine, drawLine, isLive, type Screen } from './screen.ts';

/** Something that takes its time: shown while it goes on, where it takes longer than a moment. */
export interface Phase {
  /** So much of it is done. */
  at(done: number): void;
  /** Writes lines above the one that is drawn. */
  write(text: string): void;
  /** It has ended, well or not. */
  end(): void;
}

export interface PhaseOptions {
  /** What it is about, in the column of labels: `validation`. */
  readonly label: string;
  /** What is counted: `texts`. */
  readonly unit: string;
  /** How many there are, where that is known. */
  readonly total?: number | undefined;
  /** Milliseconds; for tests. */
  readonly now?: () => number;
  readonly env?: NodeJS.ProcessEnv;
}

/** Milliseconds after which something is shown at all, and between two drawings. */
const terminal = { first: 250, next: 100 };
const plain = { first: 2000, next: 10_000 };

/** The width of the column of labels, everywhere on the screen. */
const LABEL = 10;

/**
 * Shows a phase: redrawn on a terminal, else a line after two seconds, then every ten, and one at its end if there
 * was any. It draws when it is told how far it came, so it works within synchronous code too.
 */
export function startPhase(screen: Screen, options: PhaseOptions): Phase {
  const { label, unit, total, now = () => performance.now(), env = process.env } = options;
  const live = isLive(screen, env);
  const pace = live ? terminal : plain;
  const began = now();
  let shownAt: number | undefined;
  let done = 0;
  const count = (n: number) => n.toLocaleString('en');
  const line = (after: string) =>
    `${label.padEnd(LABEL)} ${count(done)}${total === undefined ? '' : ` of ${count(total)}`} ${unit}${after}`;
  const left = (at: number) =>
    total === undefined || done === 0
      ? `, ${clock((at - began) / 1000)}`
      : `, ${clock(((at - began) * (total - done)) / done / 1000)} left`;
  return {
    at: (far) => {
      done = far;
      const at = now();
      if (at - (shownAt ?? began) < (shownAt === undefined ? pace.first : pace.next)) return;
      shownAt = at;
      if (live) drawLine(screen, line(left(at)));
      else screen.write(`${line(left(at))}\n`);
    },
    write: (text) => {
      if (live && shownAt !== undefined) clearLine(screen);
      screen.write(text);
    },
    end: () => {
      if (shownAt === undefined) return;
      if (live) clearLine(screen);
      else screen.write(`${line(`, took ${clock((now() - began) / 1000)}`)}\n`);
      shownAt = undefined;
    },
  };
}

/** Runs something as a phase, which ends with it. */
export async function inPhase<T>(
  screen: Screen,
  options: PhaseOptions,
  work: (at: Phase['at']) => T | Promise<T>,
): Promise<T> {
  const phase = startPhase(screen, options);
  try {
    return await work(phase.at);
  } finally {
    phase.end();
  }
}

export interface WaitOptions {
  readonly label: string;
  readonly what: string;
  /** It keeps the process busy and takes long: without a terminal its beginning is said, because no timer runs. */
  readonly busy?: boolean;
  /** Milliseconds; for tests. */
  readonly now?: () => number;
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Shows that something goes on of which nobody knows how far it is. Without a terminal that is said after two seconds,
 * or, where no timer ran meanwhile, how long it took.
 */
export async function whileWaiting<T>(
  screen: Screen,
  { label, what, busy = false, now = () => performance.now(), env = process.env }: WaitOptions,
  work: () => T | Promise<T>,
): Promise<T> {
  const live = isLive(screen, env);
  const began = now();
  const text = `${label.padEnd(LABEL)} ${what}`;
  let isSaid = busy;
  const show = () => {
    isSaid = true;
    const line = `${text} … ${clock((now() - began) / 1000)}`;
    if (live) drawLine(screen, line);
    else screen.write(`${line}\n`);
  };
  if (live) drawLine(screen, `${text} …`);
  else if (busy) screen.write(`${text} …\n`);
  const pace = live ? 1000 : plain.next;
  let timer = setTimeout(
    () => {
      show();
      timer = setInterval(show, pace);
    },
    live ? 1000 : plain.first,
  );
  try {
    return await work();
  } finally {
    clearInterval(timer);
    const took = now() - began;
    if (live) clearLine(screen);
    else if (isSaid || took >= plain.first) screen.write(`${text}: took ${clock(took / 1000)}\n`);
  }
}
