import { AppError } from '../errors.ts';

/** The bytes of a file without a byte-order mark, and the first of them. */
export interface Content {
  readonly head: Buffer;
  readonly bytes: AsyncIterable<Buffer>;
}

/** Enough for every mark of `kinds`, and to see what UTF-16 looks like. */
export const HEAD_BYTES = 4096;

/** What begins in a certain way and is no UTF-8 text: longer marks before their own beginnings. */
const kinds: readonly (readonly [begins: Buffer, is: string, todo: string])[] = (
  [
    ['fffe0000', 'UTF-32', 'iconv -f UTF-32 -t UTF-8 FILE > NEW'],
    ['0000feff', 'UTF-32', 'iconv -f UTF-32 -t UTF-8 FILE > NEW'],
    ['fffe', 'UTF-16', 'iconv -f UTF-16 -t UTF-8 FILE > NEW'],
    ['feff', 'UTF-16', 'iconv -f UTF-16 -t UTF-8 FILE > NEW'],
    ['1f8b', 'compressed with gzip', 'gunzip -c FILE > NEW'],
    ['28b52ffd', 'compressed with zstd', 'zstd -d FILE'],
    ['fd377a585a00', 'compressed with xz', 'unxz -k FILE'],
    ['314159265359', 'compressed with bzip2', 'bunzip2 -k FILE'],
    ['377abcaf271c', 'a 7z archive', 'unpack it, and name the file inside'],
    ['504b0304', 'a zip archive or an .xlsx workbook', 'unzip it, or save the sheet as CSV UTF-8'],
    ['d0cf11e0a1b11ae1', 'an .xls workbook', 'save the sheet as CSV UTF-8'],
    [hex('SQLite format 3\0'), 'an SQLite database', 'export the table as CSV'],
    [hex('PAR1'), 'a Parquet file', 'export it as CSV or JSON lines'],
    [hex('ARROW1'), 'an Arrow file', 'export it as CSV or JSON lines'],
    [hex('%PDF-'), 'a PDF document', 'export its texts as CSV or JSON lines'],
    [hex('version https://git-lfs.'), 'a Git LFS pointer, not the file itself', 'git lfs pull'],
  ] as const
).map(([begins, is, todo]) => [Buffer.from(begins, 'hex'), is, todo]);

function hex(text: string): string {
  return Buffer.from(text, 'latin1').toString('hex');
}

/** `BZh`, a digit, and only then the magic number. */
const BZIP2 = /^BZh[1-9]$/;

const BYTE_ORDER_MARK = Buffer.of(0xef, 0xbb, 0xbf);

/**
 * Looks at how a file begins. AppError `data_invalid` for one that is not text in UTF-8, saying what it is.
 */
export async function openContent(
  source: AsyncIterable<Uint8Array>,
  name: string,
): Promise<Content> {
  const pieces = source[Symbol.asyncIterator]();
  const first: Buffer[] = [];
  let length = 0;
  while (length < HEAD_BYTES) {
    const { done, value } = await pieces.next();
    if (done) break;
    first.push(asBuffer(value));
    length += value.length;
  }
  const begun = Buffer.concat(first);
  requireText(begun, name);
  const marked = begun.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK);
  const head = marked ? begun.subarray(BYTE_ORDER_MARK.length) : begun;
  return { head, bytes: rest(head, pieces) };
}

async function* rest(head: Buffer, pieces: AsyncIterator<Uint8Array>): AsyncGenerator<Buffer> {
  try {
    if (head.length > 0) yield head;
    for (;;) {
      const { done, value } = await pieces.next();
      if (done) return;
      yield asBuffer(value);
    }
  } finally {
    await pieces.return?.();
  }
}

/** AppError `data_invalid` for what begins as no text in UTF-8 does. */
export function requireText(begun: Buffer, name: string): void {
  const after = BZIP2.test(begun.toString('latin1', 0, 4)) ? begun.subarray(4) : begun;
  const known = kinds.find(([begins]) => after.subarray(0, begins.length).equals(begins));
  if (known) throw notText(name, known[1], known[2]);
  const wide = wideEncoding(begun);
  if (wide) throw notText(name, 'UTF-16', `iconv -f ${wide} -t UTF-8 FILE > NEW`);
}

const notText = (name: string, is: string, todo: string): AppError =>
  new AppError('data_invalid', `${name} is ${is}: expected text in UTF-8`, { hint: todo });

/** UTF-16 without its mark: of what is written in Latin letters every other byte is 0. */
function wideEncoding(begun: Buffer): 'UTF-16LE' | 'UTF-16BE' | undefined {
  const sample = begun.subarray(0, 64);
  const zeros = [0, 0];
  sample.forEach((byte, i) => {
    if (byte === 0) zeros[i % 2] = (zeros[i % 2] ?? 0) + 1;
  });
  const [even = 0, odd = 0] = zeros;
  const isMany = (count: number) => count >= 2 && count * 4 >= sample.length;
  if (isMany(odd) && even === 0) return 'UTF-16LE';
  return isMany(even) && odd === 0 ? 'UTF-16BE' : undefined;
}

const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
