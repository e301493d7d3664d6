import { clock } from './clock.ts';
import { type Phase, startPhase, whileWaiting } from './phase.ts';
import { Rate } from './rate.ts';
import { clearLine, drawLine, isLive, type Screen } from './screen.ts';

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
  /** Something else than steps begins (validation): until it ends, its time counts in no rate. */
  pause(label: string, total: number, unit: string): Phase;
  /** Something that is no step goes on (a file is written): its time counts in no rate. */
  wait<T>(label: string, what: string, work: () => Promise<T>): Promise<T>;
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
  const live = isLive(screen, env);
  const rate = new Rate();
  let shown = false;
  let drawnAt = now();
  let loss: number | undefined;
  rate.start(now());
  const draw = (text: string) => {
    shown = true;
    drawLine(screen, text);
  };
  const clear = () => {
    if (shown) clearLine(screen);
    shown = false;
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
    pause: (label, total, unit) => {
      clear();
      const phase = startPhase(screen, { label, total, unit, now, env });
      return {
        ...phase,
        end: () => {
          phase.end();
          rate.resume(now());
        },
      };
    },
    wait: async (label, what, work) => {
      clear();
      const result = await whileWaiting(screen, { label, what, now, env }, work);
      rate.resume(now());
      return result;
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

function short(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)}M`;
  if (value >= 1e4) return `${(value / 1e3).toFixed(1)}k`;
  return value >= 100 ? value.toFixed(0) : value.toFixed(1);
}
