import { afterEach, describe, expect, it } from '@jest/globals';
import { EnginePool } from '../../../src/engine/index.ts';
import { Scheduler } from '../../../src/scheduler/index.ts';
import { nothingToLoad } from '../../support/engine-spec.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const folder = temporaryFolder();

/** A worker that computes together what has come, and dies of a text: of all of them, or of that one alone. */
const worker = folder.write(
  'together.mjs',
  `process.on('disconnect', () => process.exit(0));
   let waiting = [];
   process.on('message', (message) => {
     if (message.type === 'load') return process.send({ type: 'ready', loadMs: 1 });
     if (waiting.push(message) === 1) setTimeout(scoreAll, 50);
   });
   function scoreAll() {
     const all = waiting;
     waiting = [];
     if (all.some(({ text }) => text === 'poison')) process.exit(7);
     for (const { id, text, options } of all) {
       const batches = [{ texts: all.length, tokens: text.length }];
       process.send({ type: 'scored', id, score: {
         probabilities: [options.alone ? 1 : 0], tokens: text.length, windows: 1, unknownTokens: 0,
         truncated: false, tokenizeMs: 0, computeMs: 50, batches } });
     }
   }`,
);

const spec = { ...nothingToLoad, batchTokens: 64 };

const pools: EnginePool[] = [];
afterEach(() => Promise.all(pools.splice(0).map((pool) => pool.stop())));

async function setUp() {
  const pool = new EnginePool({ spec, size: 1, workerPath: worker, delayOf: () => 0 });
  pools.push(pool);
  await pool.ready;
  const scheduler = new Scheduler({ engines: pool, maxDepth: 1000 });
  const submit = (text: string) =>
    scheduler.submit([text], { timeoutMs: 20_000 }).then(
      ([scored]) => scored,
      (error: { code: string }) => error.code,
    );
  return { pool, submit };
}

describe('an engine that computes texts together', () => {
  it('is given as many as two batches of its budget hold, and the others wait', async () => {
    const { submit } = await setUp();
    // Of eight tokens each, so that sixteen are two budgets.
    const text = 'x'.repeat(32);
    const scored = await Promise.all(Array.from({ length: 40 }, () => submit(text)));
    const sizes = scored.map((one) => (typeof one === 'object' ? one.batches[0]?.texts : one));
    expect(sizes.slice(0, 16)).toEqual(Array(16).fill(16));
    expect(new Set(sizes.slice(16))).toEqual(new Set([16, 8]));
  });

  it('dies of one text, and only that one is blamed: the others are tried alone', async () => {
    const { submit } = await setUp();
    const texts = ['a', 'b', 'poison', 'c', 'd'];
    const answers = await Promise.all(texts.map(submit));
    expect(answers[2]).toBe('engine_failed');
    const others = answers.filter((answer) => typeof answer === 'object');
    expect(others.map(({ probabilities }) => probabilities)).toEqual([[1], [1], [1], [1]]);
    // It is refused at once from now on, and what comes with it is computed together again.
    const [again, next] = await Promise.all([submit('poison'), submit('next')]);
    expect(again).toBe('engine_failed');
    expect(next).toMatchObject({ probabilities: [0] });
  });
});
