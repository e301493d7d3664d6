/** Where progress is shown: `process.stdout` has all of it. */
export interface HubScreen {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

/** Milliseconds between two drawings. */
const REDRAW = 200;
const PLAIN_LINE = 5000;
const MEGA = 1e6;

/** One line about a download: redrawn on a terminal, else printed now and then and once it is done. */
export function downloadProgress(
  screen: HubScreen,
  path: string,
  size: number | undefined,
): { bytes(count: number): void; finish(): void } {
  let drawnAt = performance.now();
  let count = 0;
  const line = () =>
    `download   ${path}  ${megabytes(count)}${size ? ` of ${megabytes(size)}` : ''}`;
  return {
    bytes: (now) => {
      count = now;
      const at = performance.now();
      if (at - drawnAt < (screen.isTTY === true ? REDRAW : PLAIN_LINE)) return;
      drawnAt = at;
      screen.write(screen.isTTY === true ? `\r\u001b[K${line()}` : `${line()}\n`);
    },
    finish: () => {
      screen.write(`${screen.isTTY === true ? '\r\u001b[K' : ''}${line()}\n`);
    },
  };
}

const megabytes = (bytes: number): string => `${(bytes / MEGA).toFixed(1)} MB`;
