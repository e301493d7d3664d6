import { spread } from '../train/statistics.mjs';
import { CONTRACT } from './neighbours.mjs';

const line = (cells) => `| ${cells.join(' | ')} |`;
const table = (head, rows) =>
  console.log(`\n${[head, head.map(() => '---'), ...rows].map(line).join('\n')}`);

const unique = (list) => [...new Set(list)];

/** Of each length and form the gain over one text after another: the median of the rounds, and of the fastest. */
export function speedTable(precision, speeds) {
  const sizes = unique(speeds.map(({ size }) => size));
  const own = speeds.filter((row) => row.precision === precision);
  const rows = unique(own.map(({ tokens }) => tokens)).flatMap((tokens) => {
    const here = own.filter((row) => row.tokens === tokens);
    const alone = spread(here[0].textsPerSecond, 1);
    return Object.keys(here[0].gains).map((form) => [
      tokens,
      alone,
      form,
      ...sizes.map((size) => {
        const { median, fastest } = here.find((row) => row.size === size).gains[form];
        return `${median.toFixed(2)} (${fastest.toFixed(2)})`;
      }),
    ]);
  });
  const heads = sizes.map((size) => `${size} texts`);
  table([`${precision}: tokens`, 'alone, texts/s', 'form', ...heads], rows);
}

export function neighbourTable(rows) {
  const beyond = `texts beyond ${CONTRACT}`;
  table(
    ['', 'form', 'texts', 'largest |Δlogit|', 'largest |Δp|', 'mean |Δp|', beyond],
    rows.map(({ precision, form, size, logit, max, mean, beyond }) => [
      precision,
      form,
      size,
      ...[logit, max, mean].map((x) => x.toPrecision(2)),
      `${(beyond * 100).toFixed(0)} %`,
    ]),
  );
}

export function latencyTable(rows) {
  table(
    ['load of one engine', 'form', 'p50, ms', 'p99, ms'],
    rows.map(({ load, name, p50, p99 }) => [
      `${(load * 100).toFixed(0)} %`,
      name,
      spread(p50, 0),
      spread(p99, 0),
    ]),
  );
}
