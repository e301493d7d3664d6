/** Where progress is shown: `process.stdout` has all of it. */
export interface Screen {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/** Whether lines can be drawn anew. */
export const isLive = ({ isTTY }: Screen, env: NodeJS.ProcessEnv): boolean =>
  isTTY === true && env.TERM !== 'dumb' && env.CI === undefined;

/** Draws one line in place of the one before, no wider than the terminal. */
export function drawLine(screen: Screen, text: string): void {
  screen.write(`\r\u001b[K${text.slice(0, (screen.columns ?? 80) - 1)}`);
}

export const clearLine = (screen: Screen): void => {
  screen.write('\r\u001b[K');
};
