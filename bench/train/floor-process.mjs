// The matrix products of a training step alone: for each line on standard input one line {"ms"}.
import { createInterface } from 'node:readline';
import { openProducts } from './floor.mjs';
import { compileDistilbert } from './model.mjs';
import { flopsOf, matrixProducts } from './products.mjs';

const { layers, dropout, threads, batch, length } = JSON.parse(process.argv[2]);

const { training } = compileDistilbert({ layers, dropout });
const products = matrixProducts(training, batch, length);
const { run } = await openProducts(products, { threads });
const gflop = flopsOf(products) / 1e9;
process.stdout.write(`${JSON.stringify({ ready: true, gflop })}\n`);
for await (const _ of createInterface({ input: process.stdin })) {
  const start = performance.now();
  await run();
  process.stdout.write(`${JSON.stringify({ ms: performance.now() - start })}\n`);
}
