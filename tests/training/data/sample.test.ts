import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { loadConfig } from '../../../src/config/index.ts';
import { packageRoot } from '../../../src/package-root.ts';
import { cleanText } from '../../../src/text/index.ts';
import {
  givenTokenizer,
  learntTokenizer,
  loadCorpus,
  Random,
} from '../../../training/data/index.ts';
import { drawWriter, sampleCsv, traits } from '../../../training/data/sample/writer.ts';

const folder = join(packageRoot, 'data/sample');
const shipped = (name: string) => readFileSync(join(folder, name), 'utf8');
const { config } = loadConfig({ file: join(packageRoot, 'configs/quick.json'), env: {} });

describe('the shipped sample', () => {
  it('is made again byte for byte', () => {
    expect(sampleCsv(3000, 42) === shipped('mbti.csv')).toBe(true);
  });

  it('has its tokenizer made again byte for byte', async () => {
    const { splits } = await loadCorpus(config);
    const learnt = learntTokenizer(splits.train, config.model.vocab_size);
    expect(learnt.tokenizerJson === shipped('tokenizer.json')).toBe(true);
    expect(learnt.tokenizerConfig === shipped('tokenizer_config.json')).toBe(true);
    expect(givenTokenizer(config)?.tokenizerJson).toBe(learnt.tokenizerJson);
  });

  it('is under 2 MB and says what it is', () => {
    expect(statSync(join(folder, 'mbti.csv')).size).toBeLessThan(2_000_000);
    expect(shipped('README.md')).toMatch(/invented by a program/);
    expect(shipped('README.md')).toMatch(/means nothing about its writer/);
  });

  it('is prepared without loss, types masked, both labels on every axis in every part', async () => {
    const { splits, report } = await loadCorpus(config);
    expect(report.rows).toBe(3000);
    expect(report.kept).toBeGreaterThan(2990);
    expect(report.masked_type_names).toBeGreaterThan(100);
    for (const { labels } of Object.values(report.splits)) {
      for (const counts of Object.values(labels)) {
        for (const count of Object.values(counts)) expect(count).toBeGreaterThan(50);
      }
    }
    const texts = new Set(
      [...splits.train, ...splits.validation, ...splits.test].map(({ text }) => text),
    );
    expect(texts.size).toBe(report.kept);
  });
});

describe('invented writers', () => {
  const random = new Random('writers');
  const writers = Array.from({ length: 20_000 }, () => drawWriter(random));

  it('can be told apart by the best classifier in 75 to 93 % of cases, on every axis', () => {
    for (const [axis, { letters, prior, fidelity }] of traits.entries()) {
      const cue = Math.log(fidelity / (1 - fidelity));
      const right = writers.filter(({ type, evidence }) => {
        // The posterior log-odds of the first letter, given how often each letter's cues were said.
        const odds = Math.log(prior / (1 - prior)) + (evidence[axis] ?? 0) * cue;
        return odds > 0 === (type[axis] === letters[0]);
      });
      expect(right.length / writers.length).toBeGreaterThan(0.75);
      expect(right.length / writers.length).toBeLessThan(0.93);
    }
  });

  it('are unevenly spread, more mildly than in the real corpus', () => {
    for (const [axis, { letters }] of traits.entries()) {
      const first = writers.filter(({ type }) => type[axis] === letters[0]).length;
      expect(first / writers.length).toBeGreaterThan(0.29);
      expect(first / writers.length).toBeLessThan(0.5);
    }
  });

  it('write 3 to 8 posts, sometimes with links and type names', () => {
    const counts = new Set(writers.map(({ posts }) => posts.split('|||').length));
    expect([...counts].sort()).toEqual([3, 4, 5, 6, 7, 8]);
    const all = writers.map(({ posts }) => posts).join('\n');
    const named = /\b[EI][NS][TF][JP]s?\b/;
    const linked = /example\.(com|org|net)/;
    expect([linked.test(all), named.test(all)]).toEqual([true, true]);
    const cleaned = cleanText(all, 'mbti');
    expect([linked.test(cleaned), named.test(cleaned)]).toEqual([false, false]);
  });

  it('leave no slot of a phrase open', () => {
    expect(writers.some(({ posts }) => /[{}]/.test(posts))).toBe(false);
  });
});
