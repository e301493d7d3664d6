// One session of its own: scores texts one after another. Answers lines with lines.
import { createInterface } from 'node:readline';
import { InferenceSession } from '../../dist/training/runtime/onnxruntime.js';
import { feedsOf, settings } from './forms.mjs';

const { file, threads = 1, session = {}, options = {}, texts } = JSON.parse(process.argv[2]);
const opened = await InferenceSession.create(file, {
  ...settings,
  ...options,
  intraOpNumThreads: threads,
  extra: { session: { ...settings.extra.session, ...session } },
});
const answer = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const next = Object.fromEntries(Object.keys(texts).map((kind) => [kind, 0]));
answer({ ready: true });

for await (const line of createInterface({ input: process.stdin })) {
  const { kind, seconds } = JSON.parse(line);
  const list = texts[kind];
  const begun = performance.now();
  const used = process.cpuUsage();
  let scored = 0;
  let elapsed = 0;
  for (; elapsed < seconds * 1000; elapsed = performance.now() - begun) {
    await opened.run(feedsOf(opened, 'batch', [list[next[kind]++ % list.length]]));
    scored += 1;
  }
  const { user, system } = process.cpuUsage(used);
  answer({ rate: (scored / elapsed) * 1000, processor: (scored / (user + system)) * 1e6 });
}
