import type { Config } from '../../src/config/index.ts';
import { AppError } from '../../src/errors.ts';
import {
  cleanText,
  countTypeNames,
  isTooShort,
  MINIMUM_TEXT_LENGTH,
} from '../../src/text/index.ts';
import { readCsv } from './csv.ts';
import { labelReader } from './labels.ts';
import { type Example, jointCode } from './types.ts';

/** What became of a source's rows. */
export interface SourceReport {
  readonly source: string;
  readonly sha256: string;
  readonly cleaning: Config['data']['clean'];
  readonly rows: number;
  readonly kept: number;
  readonly dropped: {
    /** Under 10 characters after cleaning. */
    readonly too_short: number;
    /** The same text with the same labels again. */
    readonly duplicates: number;
    /** The same text with different labels: all of its rows. */
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
 * Reads, cleans and labels the rows of `data.source`. Texts are unique afterwards, so that none
 * stands in two splits. AppError `config_invalid`, `file_missing` or `data_invalid` (with the line).
 *
 * @param onRows is told how many rows are read
 */
export async function readExamples(
  config: Config,
  onRows?: (done: number) => void,
): Promise<SourceExamples> {
  const { source, clean } = config.data;
  if (source === null) {
    throw new AppError(
      'config_invalid',
      'data.source is missing: expected the CSV file to learn from',
      {
        hint: 'set it in the configuration file, or on the command line: data.source=my.csv',
      },
    );
  }
  const labels = labelReader(config.task);
  const collected = new UniqueTexts();
  const counts = { rows: 0, tooShort: 0, masked: 0 };
  const columns = [config.task.text_column, ...labels.columns];
  const sha256 = await readCsv(source, columns, ({ line, cells: [raw = '', ...cells] }) => {
    const values = labels.read(cells);
    if (typeof values === 'string') {
      throw new AppError('data_invalid', `${source}, line ${line}: ${values}`);
    }
    counts.rows++;
    onRows?.(counts.rows);
    if (clean === 'mbti') counts.masked += countTypeNames(raw);
    const text = cleanText(raw, clean);
    if (isTooShort(text)) counts.tooShort++;
    else collected.add({ text, labels: values });
  });
  const examples = collected.examples();
  requireRows(source, counts.rows, examples.length);
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

function requireRows(source: string, rows: number, kept: number): void {
  if (rows === 0) {
    throw new AppError('data_invalid', `${source} has a header but no rows`);
  }
  if (kept === 0) {
    const wanted = `texts of at least ${MINIMUM_TEXT_LENGTH} characters after cleaning`;
    throw new AppError(
      'data_invalid',
      `none of the ${rows} rows of ${source} can be used: expected different ${wanted}`,
    );
  }
}

/** Keeps each text once, in the order of first appearance; a text with two labellings not at all. */
class UniqueTexts {
  duplicates = 0;
  conflicting = 0;
  readonly #byText = new Map<string, { example: Example; rows: number; agreed: boolean }>();

  add(example: Example): void {
    const known = this.#byText.get(example.text);
    if (!known) {
      this.#byText.set(example.text, { example, rows: 1, agreed: true });
      return;
    }
    known.rows++;
    known.agreed &&= jointCode(known.example) === jointCode(example);
  }

  examples(): Example[] {
    const kept: Example[] = [];
    for (const { example, rows, agreed } of this.#byText.values()) {
      if (agreed) {
        kept.push(example);
        this.duplicates += rows - 1;
      } else this.conflicting += rows;
    }
    return kept;
  }
}
