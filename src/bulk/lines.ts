import { AppError } from '../errors.ts';

const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** A line's bytes, without its end; undefined for one that is too long, of which nothing is kept. */
interface Line {
  readonly line: number;
  readonly bytes: Uint8Array | undefined;
}

/** The lines of a stream of bytes, in constant memory: a line beyond `maxBytes` is passed over as it comes. */
export async function* splitLines(
  source: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<Line> {
  let parts: Uint8Array[] = [];
  let length = 0;
  let line = 1;
  const take = (): Line => {
    const whole = length > maxBytes ? undefined : withoutReturn(Buffer.concat(parts));
    parts = [];
    length = 0;
    return { line: line++, bytes: whole };
  };
  for await (const chunk of source) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      keep(chunk.subarray(from, at));
      yield take();
      from = at + 1;
    }
    keep(chunk.subarray(from));
  }
  if (length > 0) yield take();

  function keep(bytes: Uint8Array): void {
    length += bytes.length;
    if (length <= maxBytes) parts.push(bytes);
    else parts = [];
  }
}

const withoutReturn = (bytes: Uint8Array): Uint8Array =>
  bytes.at(-1) === RETURN ? bytes.subarray(0, -1) : bytes;

const decoder = new TextDecoder('utf-8', { fatal: true });

/** A line as text. AppError `data_invalid` for one that is too long or not UTF-8. */
export function decodeLine({ bytes }: Line, maxBytes: number): string {
  if (bytes === undefined) {
    throw new AppError('data_invalid', `it is longer than ${maxBytes} bytes`);
  }
  try {
    return decoder.decode(bytes);
  } catch {
    throw new AppError('data_invalid', 'it is not valid UTF-8');
  }
}
