import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { loadConfig } from '../../../src/config/index.ts';
import { untunedTask } from '../../../src/task/index.ts';
import { openPredictionLog } from '../../../src/telemetry/index.ts';
import { trainingDataFromLog } from '../../../training/data/from-log.ts';
import { readExamples } from '../../../training/data/index.ts';
import { quietLogger } from '../../support/quiet-logger.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const folder = temporaryFolder();
const at = (name: string) => join(folder.path, name);

/** Writes what a server writes for these texts and the scores of every axis. */
async function serverLog(
  name: string,
  texts: readonly (readonly [string, readonly number[]])[],
  overrides: readonly string[] = [],
) {
  const { config } = loadConfig({
    overrides: [`prediction_log.file=${at(name)}`, 'prediction_log.text=keep', ...overrides],
    env: {},
  });
  const { axes } = untunedTask(config.task, 'none');
  const log = openPredictionLog(config, quietLogger);
  for (const [text, scores] of texts) {
    const dimensions = axes.map(({ name, labels }, i) => {
      const score = scores[i] ?? Number.NaN;
      return { dimension: name, score, label: score >= 0.5 ? labels[0] : labels[1] };
    });
    log?.record({ name: 'm', version: 'v' }, 'id', { text, dimensions, tokens: 9 });
  }
  await log?.close();
  return at(name);
}

const sure = [0.9, 0.1, 0.9, 0.1];
const all = { minConfidence: 0.5 };

describe('training data from a log', () => {
  it('is what training reads: the texts, labelled with what was predicted', async () => {
    const texts = [
      ['A plain text, with a comma.', sure],
      ['One that says "hello"\nand goes on in another line.', [0.1, 0.9, 0.1, 0.9]],
    ] as const;
    const log = await serverLog('plain.jsonl', texts);
    const out = at('plain.csv');
    const overrides = [`data.source=${out}`, 'data.clean=none'];
    const { config } = loadConfig({ overrides, env: {} });
    expect((await trainingDataFromLog(config.task, { logs: [log], out, ...all })).kept).toBe(2);
    const { examples } = await readExamples(config);
    // Training collapses white space.
    expect(examples.map(({ text }) => text)).toEqual([
      texts[0][0],
      'One that says "hello" and goes on in another line.',
    ]);
    expect(examples.map(({ labels }) => [...labels])).toEqual([
      [1, 0, 1, 0],
      [0, 1, 0, 1],
    ]);
  });

  it('has a column for every axis where the task has', async () => {
    const axes = JSON.stringify([{ name: 'mood', labels: ['good', 'bad'], column: 'feeling' }]);
    const task = [`task.axes=${axes}`, 'task.name=mood', 'task.text_column=review'];
    const log = await serverLog('mood.jsonl', [['It was a lovely day.', [0.8]]], task);
    const { config } = loadConfig({ overrides: task, env: {} });
    await trainingDataFromLog(config.task, { logs: [log], out: at('mood.csv'), ...all });
    expect(readFileSync(at('mood.csv'), 'utf8')).toBe(
      'feeling,review\ngood,It was a lovely day.\n',
    );
  });

  it('leaves out what cannot be used, and says how much that is', async () => {
    const { task } = loadConfig({ env: {} }).config;
    const hashed = await serverLog(
      'hashed.jsonl',
      [['A text.', sure]],
      ['prediction_log.text=hash'],
    );
    const kept = await serverLog('kept.jsonl', [
      ['A text that is sure.', sure],
      ['A text that is unsure on one axis.', [0.9, 0.1, 0.6, 0.1]],
    ]);
    const broken = folder.write(
      'broken.jsonl',
      ['{"time":"2026', '[]', '{"labels":{"mood":"good"},"scores":{},"text":"Other."}', ''].join(
        '\n',
      ),
    );
    const logs = [hashed, kept, broken];
    const options = { logs, out: at('some.csv'), minConfidence: 0.8 };
    expect(await trainingDataFromLog(task, options)).toEqual({
      kept: 1,
      withoutText: 1,
      unsure: 1,
      otherTask: 1,
      unreadable: 2,
    });
    expect(readFileSync(at('some.csv'), 'utf8')).toBe('type,posts\nENTP,A text that is sure.\n');
  });

  it('is refused where nothing is left, and where there is no log', async () => {
    const { task } = loadConfig({ env: {} }).config;
    const hashed = await serverLog('only.jsonl', [['A text.', sure]], ['prediction_log.text=hash']);
    const from = (log: string) =>
      trainingDataFromLog(task, { logs: [log], out: at('none.csv'), ...all });
    await expect(from(hashed)).rejects.toMatchObject({
      code: 'data_invalid',
      message: expect.stringMatching(/1 without text/),
      hint: expect.stringMatching(/prediction_log\.text=keep/),
    });
    await expect(from(at('nowhere.jsonl'))).rejects.toMatchObject({ code: 'file_missing' });
    expect(() => readFileSync(at('none.csv'))).toThrow(/ENOENT/);
  });

  it('passes over lines without end, and what is no UTF-8, and nothing else', async () => {
    const { task } = loadConfig({ env: {} }).config;
    const good = readFileSync(await serverLog('good.jsonl', [['A text.', sure]]));
    const log = at('long.jsonl');
    const long = Buffer.from(`{"text":"${'x'.repeat(5000)}"}\n`);
    const parts = [good, long, good, Buffer.of(0x22, 0xff, 0x22, 0x0a), good, Buffer.from('{"te')];
    writeFileSync(log, Buffer.concat(parts));
    const options = { logs: [log], out: at('long.csv'), ...all, mostBytes: 4000 };
    expect(await trainingDataFromLog(task, options)).toMatchObject({ kept: 3, unreadable: 3 });
    expect(readdirSync(folder.path).filter((name) => name.includes('.tmp'))).toEqual([]);
  });
});
