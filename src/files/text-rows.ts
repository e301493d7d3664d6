import { AppError } from '../errors.ts';
import { openContent } from './content.ts';
import { textLines } from './lines.ts';
import type { Row, RowOptions } from './rows.ts';

/** A text a line. */
export async function* textRows(
  source: AsyncIterable<Uint8Array>,
  { name, maxBytes }: RowOptions,
): AsyncGenerator<Row> {
  const { bytes } = await openContent(source, name);
  let rows = 0;
  for await (const { line, text } of textLines(bytes, maxBytes)) {
    rows++;
    yield { line, cells: text instanceof AppError ? text : [text] };
  }
  if (rows === 0) throw new AppError('data_invalid', `${name} is empty: expected a text a line`);
}
