// One engine of the server's own without a server: scores texts one after another. Answers lines with lines.
import { createInterface } from 'node:readline';
import { allTexts, endless } from './texts.mjs';

process.env.ORT_DISABLE_TELEMETRY = '1';
// Imported late: the runtime reads the environment when it is loaded.
const { Scorer } = await import('../../dist/src/engine/scorer.js');

const { spec, engine, workers } = JSON.parse(process.argv[2]);
const scorer = await Scorer.load(spec);
const mine = ([kind, texts]) => [kind, endless(texts.filter((_, i) => i % workers === engine))];
const nextText = Object.fromEntries(Object.entries(allTexts(spec.tokenizerDir)).map(mine));
const answer = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
answer({ ready: true });

for await (const line of createInterface({ input: process.stdin })) {
  const { kind, seconds } = JSON.parse(line);
  // As the load on a server: no text is begun after `seconds`, and the last one counts with its time.
  const start = performance.now();
  let scored = 0;
  while (performance.now() - start < seconds * 1000) {
    await scorer.score(nextText[kind]());
    scored += 1;
  }
  answer({ scored });
}
