/** Where progress is shown: `process.stdout` has all of it. */
export interface HubScreen {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

/** Milliseconds between two drawings. */
const REDRAW = 200;
const MEGA = 1e6;

/** One line about a download: redrawn on a terminal, else printed once it is done. */
export function downloadProgress(
  screen: HubScreen,
  path: string,
  size: number | undefined,
): { bytes(count: number): void; finish(): void } {
  let drawnAt = 0;
  let count = 0;
  const line = () =>
    `download   ${path}  ${megabytes(count)}${size ? ` of ${megabytes(size)}` : ''}`;
  return {
    bytes: (now) => {
      count = now;
      const at = performance.now();
      if (screen.isTTY !== true || at - drawnAt < REDRAW) return;
      drawnAt = at;
      screen.write(`\r\u001b[K${line()}`);
    },
    finish: () => {
      screen.write(`${screen.isTTY === true ? '\r\u001b[K' : ''}${line()}\n`);
    },
  };
}

const megabytes = (bytes: number): string => `${(bytes / MEGA).toFixed(1)} MB`;
