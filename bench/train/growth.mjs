import { Peer } from './peer.mjs';
import { summary } from './statistics.mjs';

const base = { layers: 6, batch: 8, length: 128 };
const sizes = [
  base,
  ...[2, 16].map((batch) => ({ ...base, batch })),
  ...[32, 64, 256].map((length) => ({ ...base, length })),
  { ...base, layers: 3 },
];
const steps = 3;

/** How the time and the memory of a step grow with batch, length and layers: each size in a fresh process. */
export async function growthTable(setting, note) {
  const script = new URL('step-process.mjs', import.meta.url).pathname;
  const lines = ['| layers | batch | length | ms, median of 3 | µs per token | peak GiB |'];
  lines.push('| --- | --- | --- | --- | --- | --- |');
  for (const size of sizes) {
    note(`growth: ${JSON.stringify(size)}`);
    const options = { ...setting, ...size };
    const peer = await Peer.start(process.execPath, [script, JSON.stringify(options)]);
    const answers = [];
    for (let i = 0; i <= steps; i++) answers.push(await peer.ask(size));
    await peer.stop();
    const { median } = summary(answers.slice(1).map(({ ms }) => ms));
    const { layers, batch, length } = size;
    const perToken = ((median * 1000) / (batch * length)).toFixed(0);
    const peak = answers.at(-1).peakGib.toFixed(2);
    lines.push(
      `| ${layers} | ${batch} | ${length} | ${median.toFixed(0)} | ${perToken} | ${peak} |`,
    );
  }
  return lines.join('\n');
}
