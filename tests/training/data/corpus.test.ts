import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { type LoadedConfig, loadConfig } from '../../../src/config/index.ts';
import { TextTokenizer } from '../../../src/text/index.ts';
import {
  givenTokenizer,
  learntTokenizer,
  loadCorpus,
  loadTokenizedCorpus,
  prepareData,
} from '../../../training/data/index.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const folder = temporaryFolder();
const nouns = [
  'film',
  'plot',
  'cast',
  'score',
  'scene',
  'ending',
  'script',
  'camera',
  'set',
  'cut',
];
const rows = nouns.flatMap((noun) => [
  `positive,the ${noun} was a delight`,
  `negative,the ${noun} was a bore to me`,
]);
const task = {
  text_column: 'text',
  axes: [{ name: 'sentiment', labels: ['positive', 'negative'], column: 'label' }],
};

function configure(lines: readonly string[], more: object = {}): LoadedConfig {
  const source = folder.write('reviews.csv', `label,text\n${lines.join('\n')}\n`);
  const file = folder.write(
    'config.json',
    JSON.stringify({
      task,
      data: { source, dir: join(folder.path, 'processed') },
      model: { tokenizer: 'train', vocab_size: 150 },
      ...more,
    }),
  );
  return loadConfig({ file, env: {} });
}

const jsonLines = (file: string) =>
  readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('a corpus', () => {
  it('is refused where training would see one label only', async () => {
    const many = rows.map((row) => row.replace('negative,', 'positive,'));
    await expect(loadCorpus(configure(many).config)).rejects.toThrow(
      'no training text labelled negative on the axis sentiment: expected both labels',
    );
  });

  it('learns its tokenizer from training texts alone', async () => {
    const { config } = configure(rows);
    const zebras = [{ text: 'zebra zebra', labels: new Float32Array(1) }];
    expect(learntTokenizer(zebras, 150).tokenizer.encode('zebra')).toHaveLength(1);
    const { words } = await loadTokenizedCorpus(config);
    expect(words.tokenizer.encode('zebra').length).toBeGreaterThan(1);
  });

  it('names the special tokens in what goes into a bundle', async () => {
    const { tokenizerJson } = (await loadTokenizedCorpus(configure(rows).config)).words;
    const bare = { ...JSON.parse(tokenizerJson.replaceAll('[CLS]', '<s>')), post_processor: null };
    folder.write('bare/tokenizer.json', JSON.stringify(bare));
    folder.write('bare/special_tokens_map.json', '{"cls_token":"<s>"}');
    const { config } = configure(rows, { model: { tokenizer: join(folder.path, 'bare') } });
    const { words: files } = await loadTokenizedCorpus(config);
    expect(JSON.parse(files.tokenizerConfig)).toMatchObject({
      cls_token: '<s>',
      sep_token: '[SEP]',
      pad_token: '[PAD]',
      unk_token: '[UNK]',
    });
    const { post_processor: processor } = JSON.parse(files.tokenizerJson);
    expect(processor.single[0]).toEqual({ SpecialToken: { id: '<s>', type_id: 0 } });
  });

  it('takes the tokenizer beside the base where none is named', async () => {
    const { words } = await loadTokenizedCorpus(configure(rows).config);
    const { tokenizerJson } = words;
    folder.write('base/tokenizer.json', tokenizerJson);
    for (const base of ['base', 'base/model.onnx']) {
      const { config } = configure(rows, { model: { base } });
      expect(givenTokenizer(config)?.tokenizerJson).toBe(tokenizerJson);
    }
    const { config } = configure(rows, { model: {} });
    expect(() => givenTokenizer(config)).toThrow(/model\.tokenizer is missing/);
  });
});

describe('prepared data', () => {
  const output = join(folder.path, 'processed');

  it('has the splits, the tokenizer, the report and the configuration, and replaces older ones', async () => {
    const { config, resolved } = configure(rows);
    await prepareData(config, resolved);
    const report = await prepareData(config, resolved);
    expect(readdirSync(output).sort()).toEqual([
      'config.json',
      'report.json',
      'test.jsonl',
      'tokenizer.json',
      'tokenizer_config.json',
      'train.jsonl',
      'validation.jsonl',
    ]);
    const train = jsonLines(join(output, 'train.jsonl'));
    expect(train).toHaveLength(report.splits.train.rows);
    expect(train).toContainEqual({ text: expect.any(String), labels: { sentiment: 'positive' } });
    const parts = ['train', 'validation', 'test'].flatMap((s) =>
      jsonLines(join(output, `${s}.jsonl`)),
    );
    expect(parts.map(({ text, labels }) => `${labels.sentiment},${text}`).sort()).toEqual(
      [...rows].sort(),
    );
    expect(JSON.parse(readFileSync(join(output, 'report.json'), 'utf8'))).toEqual(report);
    expect(TextTokenizer.load(output).encode('film').length).toBeGreaterThan(0);
    expect(readdirSync(folder.path).filter((name) => name.includes('.tmp'))).toEqual([]);
  });

  it('leaves an older folder as it is where the data is wrong', async () => {
    const before = readFileSync(join(output, 'train.jsonl'), 'utf8');
    const { config, resolved } = configure([...rows, 'neutral,neither good nor bad']);
    await expect(prepareData(config, resolved)).rejects.toThrow(/line 22/);
    expect(readFileSync(join(output, 'train.jsonl'), 'utf8')).toBe(before);
  });

  it('does not replace a folder that holds anything else', async () => {
    const other = join(folder.path, 'mine');
    mkdirSync(other);
    writeFileSync(join(other, 'thesis.txt'), 'years of work');
    const { config, resolved } = configure(rows, {
      data: { source: join(folder.path, 'reviews.csv'), dir: other },
    });
    await expect(prepareData(config, resolved)).rejects.toThrow(
      /holds other files \(thesis\.txt\)/,
    );
    expect(existsSync(join(other, 'thesis.txt'))).toBe(true);
  });
});
