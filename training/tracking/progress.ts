import { Rate } from './rate.ts';

/** Where progress is shown: `process.stdout` has all of it. */
export interface Screen {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

export interface StepReport {
  /** Updates so far, from 1. */
  readonly step: number;
  readonly epoch: number;
  readonly loss: number;
  /** Tokens of this step, padding included. */
  readonly tokens: number;
  /** Steps so far that updated nothing: shown where there are any. */
  readonly skipped?: number;
}

/** One line about a running training: redrawn on a terminal, else printed now and then. */
export interface Progress {
  step(report: StepReport): void;
  /** Prints lines above the progress line. */
  print(text: string): void;
  /** Something else than steps begins or has ended (validation): its time counts in no rate. */
  pause(what?: string): void;
  finish(): void;
}

export interface ProgressOptions {
  readonly screen: Screen;
  readonly steps: number;
  readonly epochs: number;
  /** Milliseconds; for tests. */
  readonly now?: () => number;
  readonly env?: NodeJS.ProcessEnv;
}

/** Milliseconds between two drawings. */
const REDRAW = 100;
const PLAIN_LINE = 3000;
/** Weight of the newest step in the loss that is shown. */
const NEWEST = 0.1;
const BAR = 24;

export function createProgress(options: ProgressOptions): Progress {
  const { screen, steps, now = () => performance.now(), env = process.env } = options;
  const live = screen.isTTY === true && env.TERM !== 'dumb' && env.CI === undefined;
  const rate = new Rate();
  let shown = '';
  let drawnAt = now();
  let loss: number | undefined;
  rate.start(now());
  const draw = (text: string) => {
    shown = text.slice(0, (screen.columns ?? 80) - 1);
    screen.write(`\r\u001b[K${shown}`);
  };
  const clear = () => {
    if (shown !== '') screen.write('\r\u001b[K');
    shown = '';
  };
  return {
    step: (report) => {
      loss = loss === undefined ? report.loss : loss + NEWEST * (report.loss - loss);
      const at = now();
      rate.add(at, report.step, report.tokens);
      const due = report.step === steps || at - drawnAt >= (live ? REDRAW : PLAIN_LINE);
      if (!due) return;
      drawnAt = at;
      const text = describe({ ...report, loss }, options, rate);
      if (live) draw(`${bar(report.step / steps)} ${text}`);
      else screen.write(`${text}\n`);
    },
    print: (text) => {
      clear();
      screen.write(`${text}\n`);
    },
    pause: (what) => {
      if (live && what !== undefined) draw(what);
      if (what === undefined) rate.resume(now());
    },
    finish: clear,
  };
}

function describe(
  { step, epoch, loss, skipped = 0 }: StepReport,
  { steps, epochs }: ProgressOptions,
  rate: Rate,
): string {
  const { steps: stepRate, tokens } = rate.perSecond();
  const left = stepRate > 0 ? `${clock((steps - step) / stepRate)} left` : '';
  return [
    `epoch ${epoch}/${epochs}`,
    `step ${step}/${steps}`,
    `loss ${loss.toFixed(4)}`,
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
    `${short(stepRate)} steps/s`,
    `${short(tokens)} tokens/s`,
    left,
  ]
    .join('  ')
    .trimEnd();
}

function bar(share: number): string {
  const full = Math.round(Math.min(Math.max(share, 0), 1) * BAR);
  return '█'.repeat(full) + '░'.repeat(BAR - full);
}

/** Seconds as 0:07, 12:05 or 1:02:03. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n: number) => String(n).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

function short(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)}M`;
  if (value >= 1e4) return `${(value / 1e3).toFixed(1)}k`;
  return value >= 100 ? value.toFixed(0) : value.toFixed(1);
}
