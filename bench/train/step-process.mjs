// Our training step in a process of its own: for each line {"batch", "length"} one line {"ms"}, or its peak.
import { createInterface } from 'node:readline';
import { createExecutor } from '../../dist/training/runtime/index.js';
import { batchOf, compileDistilbert } from './model.mjs';

const { layers, dropout, threads } = JSON.parse(process.argv[2]);
const executor = await createExecutor(compileDistilbert({ layers, dropout }), {
  device: 'cpu',
  threads,
});
process.stdout.write(`${JSON.stringify({ ready: true })}\n`);
let step = 0;
for await (const line of createInterface({ input: process.stdin })) {
  const { batch, length } = JSON.parse(line);
  const data = batchOf(batch, length);
  const start = performance.now();
  await executor.trainStep(data, { learningRate: 2e-5, step: ++step });
  const ms = performance.now() - start;
  const peakGib = process.resourceUsage().maxRSS / 2 ** 20;
  process.stdout.write(`${JSON.stringify({ ms, peakGib })}\n`);
}
await executor.dispose();
