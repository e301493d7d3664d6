import { join } from 'node:path';
import { type LoadedConfig, loadConfig } from '../../../src/config/index.ts';
import { loadTokenizedCorpus } from '../../../training/data/index.ts';
import { readCorpus, tokenizeCorpus } from '../../../training/recipes/learn/run-data.ts';
import { compile } from '../../../training/recipes/learn/run-model.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/** What rows about learning share: a source, a configuration file, and what is made of them with other words. */

export const screen = { write: () => true };

const ROWS = 60;

const sourceRow = (i: number, day: string): string => {
  const mood = i % 3 === 0 ? 'bad' : 'good';
  const words = mood === 'good' ? 'lovely bright' : 'dull grey';
  return `see www.a.de/${i} a ${words} ${day} number ${i},title number ${i} of ${words} ${day},${mood},${mood === 'good' ? 'G' : 'B'}`;
};

const source = (day: string): string =>
  `${['note,title,mood,code', ...Array.from({ length: ROWS }, (_, i) => sourceRow(i, day))].join('\n')}\n`;

const mood = [{ name: 'mood', labels: ['good', 'bad'], column: 'mood' }];
const base = {
  task: { name: 'mood', text_column: 'note', axes: mood },
  data: { source: 'days.csv', test_fraction: 0.2, validation_fraction: 0.25 },
  model: {
    base: {
      init: { dim: 8, n_layers: 2, n_heads: 2, hidden_dim: 16, max_position_embeddings: 16 },
    },
    tokenizer: 'train',
    vocab_size: 120,
  },
  train: { batch_size: 6, max_length: 16, warmup_steps: 2, dropout: 0 },
  runtime: { device: 'cpu', threads: 1 },
};

export interface Learning {
  readonly path: string;
  write(name: string, content: string): string;
  /** A configuration with some `key=value` words. */
  load(...words: string[]): LoadedConfig;
  /** The corpus and its tokenizer. */
  corpus(...words: string[]): ReturnType<typeof loadTokenizedCorpus>;
  /** Tokenized data and compiled graphs, as a run has them before it trains. */
  compiled(...words: string[]): ReturnType<typeof compiledOf>;
}

async function compiledOf({ config }: LoadedConfig) {
  const data = await tokenizeCorpus(config, await readCorpus(config, screen), screen);
  return { config, data, ...(await compile(config, data, screen)) };
}

export function learning(): Learning {
  const { path, write } = temporaryFolder();
  write('days.csv', source('day'));
  write('weeks.csv', source('week'));
  const file = write('base.json', JSON.stringify(base));
  const load = (...words: string[]) => loadConfig({ file, overrides: words, env: {} });
  const made = new Map<string, ReturnType<typeof compiledOf>>();
  return {
    path,
    write,
    load,
    corpus: (...words) => loadTokenizedCorpus(load(...words).config),
    compiled: (...words) => {
      const before = made.get(words.join(' ')) ?? compiledOf(load(...words));
      made.set(words.join(' '), before);
      return before;
    },
  };
}

/** Wide enough for its rounded weights to make up for what rounding adds to the graph. */
export const WIDE_BASE = `model.base=${JSON.stringify({
  init: { dim: 48, n_layers: 1, n_heads: 2, hidden_dim: 96, max_position_embeddings: 16 },
})}`;

/** A file of the folder as the words of a setting have it: relative paths of words start elsewhere. */
export const inFolder = ({ path }: Learning, name: string): string => join(path, name);
