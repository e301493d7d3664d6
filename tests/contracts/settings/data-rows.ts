import { existsSync } from 'node:fs';
import { expect } from '@jest/globals';
import { prepareData } from '../../../training/data/index.ts';
import { inFolder, learning } from './learning.ts';
import type { Row } from './row.ts';

const shared = learning();
const { corpus, compiled, load } = shared;

const texts = async (...words: string[]) => {
  const { splits } = await corpus(...words);
  return splits.train.map(({ text }) => text);
};
const axis = (labels: string, column = '') =>
  `task.axes=[{"name":"mood","labels":${labels}${column}}]`;

/** What is learnt, and from which texts. */
export const dataRows: readonly Row[] = [
  {
    key: 'seed',
    effect: 'decides the parts of the data, the initial weights and those of the head',
    see: async () => {
      const [one, two] = [await compiled('seed=1'), await compiled('seed=2')];
      const ids = ({ data }: typeof one) => data.test.map((text) => [...text.ids]);
      expect(ids(one)).not.toEqual(ids(two));
      expect(ids(one)).toEqual(ids(await compiled('seed=1')));
      for (const name of ['distilbert.embeddings.word_embeddings.weight', 'head.dense.weight']) {
        const bytes = ({ compiled: { initial } }: typeof one) => initial.get(name)?.bytes;
        expect(bytes(one)).toBeDefined();
        expect(bytes(one)).not.toEqual(bytes(two));
      }
    },
  },
  {
    key: 'task.name',
    effect: 'is the name of the task that is learnt, and of its run',
    see: async () => {
      const words = 'task.name=weather';
      expect((await compiled(words)).data.task.name).toBe('weather');
      expect(load(words).config.run.dir).toBe('runs/weather');
    },
  },
  {
    key: 'task.text_column',
    effect: 'names the column that texts are read from',
    see: async () => {
      expect((await texts('task.text_column=title'))[0]).toMatch(/^title number/);
      expect((await texts())[0]).toMatch(/^see www/);
    },
  },
  {
    key: 'task.label_column',
    effect: 'names the column of codes that labels are read from',
    see: async () => {
      const { splits } = await corpus('task.label_column=code', axis('["G","B"]'));
      const isGood = splits.train.map(({ text }) => text.includes('lovely'));
      expect(splits.train.map(({ labels }) => labels[0] === 1)).toEqual(isGood);
    },
  },
  {
    key: 'task.axes',
    effect: 'says which label is the positive one',
    see: async () => {
      const { splits } = await corpus(axis('["bad","good"]', ',"column":"mood"'));
      const isBad = splits.train.map(({ text }) => text.includes('dull'));
      expect(splits.train.map(({ labels }) => labels[0] === 1)).toEqual(isBad);
    },
  },
  {
    key: 'data.source',
    effect: 'is the file that texts are read from',
    see: async () => {
      expect((await texts(`data.source=${inFolder(shared, 'weeks.csv')}`))[0]).toContain('week');
    },
  },
  {
    key: 'data.dir',
    effect: 'is where prepared data is written',
    see: async () => {
      const dir = inFolder(shared, 'prepared');
      const { config, resolved } = load(`data.dir=${dir}`);
      await prepareData(config, resolved);
      expect(existsSync(`${dir}/train.jsonl`)).toBe(true);
    },
  },
  {
    key: 'data.clean',
    effect: 'takes what is foreign out of texts, or leaves it',
    see: async () => {
      expect((await texts('data.clean=mbti'))[0]).toMatch(/^see a/);
      expect((await texts('data.clean=none'))[0]).toMatch(/^see www/);
    },
  },
  {
    key: 'data.min_length',
    effect: 'drops shorter texts, and is asked of served ones',
    see: async () => {
      // Of the 60 texts, a number of one digit makes two characters less.
      const { report } = await corpus('data.min_length=40');
      expect(report.dropped.too_short).toBeGreaterThan(0);
      expect(report.kept + report.dropped.too_short).toBe(60);
      expect((await corpus()).report.dropped.too_short).toBe(0);
      expect((await compiled('data.min_length=20')).data.task.min_length).toBe(20);
    },
  },
  {
    key: 'data.test_fraction',
    effect: 'is the share of the rows that is tested on',
    see: async () => {
      const { splits } = await corpus('data.test_fraction=0.4');
      expect(splits.test).toHaveLength(24);
    },
  },
  {
    key: 'data.validation_fraction',
    effect: 'is the share of the others that is validated on',
    see: async () => {
      const { splits } = await corpus('data.validation_fraction=0.5');
      expect([splits.test.length, splits.validation.length]).toEqual([12, 24]);
    },
  },
];
