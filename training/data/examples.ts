import { createHash } from 'node:crypto';
import type { Config } from '../../src/config/index.ts';
import { AppError } from '../../src/errors.ts';
import { openFile } from '../../src/files/index.ts';
import { cleanText, countTypeNames, isTooShort, type TextTokenizer } from '../../src/text/index.ts';
import { readLabelledRows } from './labelled-rows.ts';
import { labelReader } from './labels.ts';
import { keyed, UniqueTexts } from './twins.ts';
import type { Example } from './types.ts';

/** What became of a source's rows. */
export interface SourceReport {
  readonly source: string;
  readonly sha256: string;
  readonly cleaning: Config['data']['clean'];
  readonly rows: number;
  readonly kept: number;
  readonly dropped: {
    /** Under data.min_length characters after cleaning. */
    readonly too_short: number;
    /** A text that is the same to the tokenizer, with the same labels again. */
    readonly duplicates: number;
    /** The same with different labels: all of its rows. */
    readonly conflicting: number;
  };
  /** Type names that the `mbti` cleaning took out, because they give the label away. */
  readonly masked_type_names: number;
}

export interface SourceExamples {
  readonly examples: Example[];
  /** sha256 (hex) of the source's bytes. */
  readonly dataHash: string;
  readonly report: SourceReport;
}

/**
 * Reads, cleans and labels the rows of `data.source`. Texts are unique to the tokenizer afterwards (to one that is
 * learnt later where none is given), so that none stands in two splits. AppError `config_invalid`, `file_missing` or
 * `data_invalid` (with the line).
 *
 * @param onRows is told how many rows are read
 */
export async function readExamples(
  config: Config,
  tokenizer?: Pick<TextTokenizer, 'encode'>,
  onRows?: (done: number) => void,
): Promise<SourceExamples> {
  const { source, clean, min_length: minimum } = config.data;
  if (source === null) {
    throw new AppError(
      'config_invalid',
      'data.source is missing: expected the file to learn from',
      {
        hint: 'set it in the configuration file, or on the command line: data.source=my.csv',
      },
    );
  }
  const labels = labelReader(config.task);
  const collected = new UniqueTexts(keyed(tokenizer));
  const counts = { rows: 0, tooShort: 0, masked: 0 };
  const columns = { text: config.task.text_column, labels: labels.columns };
  const sha256 = await readLabelledRows(source, columns, ({ place, text: raw, labels: cells }) => {
    const values = labels.read(cells);
    if (typeof values === 'string') throw new AppError('data_invalid', `${place}: ${values}`);
    counts.rows++;
    onRows?.(counts.rows);
    if (clean === 'mbti') counts.masked += countTypeNames(raw);
    const text = cleanText(raw, clean);
    if (isTooShort(text, minimum)) counts.tooShort++;
    else collected.add({ text, labels: values });
  });
  const examples = collected.examples();
  requireRows(config, counts.rows, examples.length);
  const report: SourceReport = {
    source,
    sha256,
    cleaning: clean,
    rows: counts.rows,
    kept: examples.length,
    dropped: {
      too_short: counts.tooShort,
      duplicates: collected.duplicates,
      conflicting: collected.conflicting,
    },
    masked_type_names: counts.masked,
  };
  return { examples, dataHash: sha256, report };
}

/** sha256 (hex) of the bytes of `data.source`, by which its data is known. AppError as openFile. */
export async function sourceHash({ data: { source } }: Config): Promise<string> {
  const hash = createHash('sha256');
  if (source === null) return hash.digest('hex');
  const { bytes } = openFile(source, 'set data.source to the file that the run learnt from');
  for await (const piece of bytes) hash.update(piece);
  return hash.digest('hex');
}

function requireRows({ data }: Config, rows: number, kept: number): void {
  if (kept > 0) return;
  const wanted = `texts of at least ${data.min_length} characters after cleaning`;
  throw new AppError(
    'data_invalid',
    `none of the ${rows} rows of ${data.source} can be used: expected different ${wanted}`,
  );
}
