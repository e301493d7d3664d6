// node bench/infer/plot.mjs < result.json > docs/inference.svg: the result is the last line of bench:infer -- --json.
import { readFileSync } from 'node:fs';

const [width, height, left, top, bottom, right] = [720, 380, 56, 34, 44, 130];
const colours = ['#8a8f98', '#1f77b4', '#e08214', '#2a9d5c', '#9b59b6', '#333333'];

const { rows, machine } = JSON.parse(readFileSync(0, 'utf8').trim().split('\n').at(-1));
/** Of the fastest run of each: what neighbours on the machine take away says nothing of the graphs. */
const single = rows
  .filter(({ batch }) => batch === 1)
  .map(({ gflops, ms: [min, median], ...row }) => ({ ...row, gflops: (gflops * median) / min }));
const lengths = [...new Set(single.map(({ length }) => length))];
const names = [...new Set(single.map(({ name }) => name))];
const most = Math.ceil(Math.max(...single.map(({ gflops }) => gflops)) / 20) * 20;

const x = (length) =>
  left +
  ((width - left - right) * Math.log2(length / lengths[0])) /
    Math.log2(lengths.at(-1) / lengths[0]);
const y = (gflops) => height - bottom - ((height - top - bottom) * gflops) / most;
const text = (at, words, extra = '') => `<text x="${at[0]}" y="${at[1]}" ${extra}>${words}</text>`;
const line = (from, to) =>
  `<line x1="${from[0]}" y1="${from[1]}" x2="${to[0]}" y2="${to[1]}" stroke="#ddd"/>`;

const grid = Array.from({ length: 6 }, (_, i) => (most * i) / 5).flatMap((value) => [
  line([left, y(value)], [width - right, y(value)]),
  text([left - 8, y(value) + 4], value.toFixed(0), 'text-anchor="end"'),
]);
const ticks = lengths.map((length) =>
  text([x(length), height - bottom + 18], length, 'text-anchor="middle"'),
);

/** Names at the right end, moved apart where their lines end close together. */
const ends = names
  .map((name) => ({ name, at: y(single.findLast((row) => row.name === name).gflops) }))
  .sort((a, b) => a.at - b.at);
for (const [i, end] of ends.entries()) {
  if (i > 0) end.at = Math.max(end.at, ends[i - 1].at + 14);
}

const series = names.flatMap((name, i) => {
  const own = single.filter((row) => row.name === name);
  const points = own.map(({ length, gflops }) => `${x(length).toFixed(1)},${y(gflops).toFixed(1)}`);
  const dash = name === 'floor' ? ' stroke-dasharray="5 4"' : '';
  const { at } = ends.find((end) => end.name === name);
  return [
    `<polyline fill="none" stroke="${colours[i % colours.length]}" stroke-width="2"${dash} points="${points.join(' ')}"/>`,
    text(
      [width - right + 8, at + 4],
      name.replace('_', ', '),
      `fill="${colours[i % colours.length]}"`,
    ),
  ];
});

process.stdout.write(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" fill="#444">
<title>Speed of inference by length</title>
<rect width="${width}" height="${height}" fill="#fff"/>
${text([left, 20], `GFLOP/s of the given model's products, by tokens of one text (${machine.cpu}, one thread, fastest runs)`)}
${[...grid, ...ticks, ...series].join('\n')}
${text([(left + width - right) / 2, height - 8], 'tokens', 'text-anchor="middle"')}
</svg>
`);
