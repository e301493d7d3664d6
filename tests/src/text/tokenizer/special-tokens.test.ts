import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { TextTokenizer, tokenWindows } from '../../../../src/text/index.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { tokenizerJson } from '../../../support/tokenizer-json.ts';

const named = (vocab: Record<string, number>, unk: string, more: object = {}) =>
  tokenizerJson({ model: { type: 'WordLevel', vocab, unk_token: unk }, ...more });
const odd = named({ begin: 0, fill: 1, end: 2, what: 3, word: 4 }, 'what');
const roberta = named({ '<s>': 0, '<pad>': 1, '</s>': 2, '<unk>': 3, word: 4 }, '<unk>', {
  post_processor: {
    type: 'RobertaProcessing',
    cls: ['<s>', 0],
    sep: ['</s>', 2],
    trim_offsets: true,
    add_prefix_space: true,
  },
});
const names = { cls_token: 'begin', sep_token: { content: 'end' }, pad_token: 'fill' };

const idsOf = ({ clsId, sepId, padId, unkId }: TextTokenizer) => [clsId, sepId, padId, unkId];

describe('the special tokens of a tokenizer', () => {
  const folder = temporaryFolder();
  const load = (name: string, files: Record<string, unknown>) => {
    for (const [file, value] of Object.entries(files)) {
      folder.write(`${name}/${file}.json`, JSON.stringify(value));
    }
    return TextTokenizer.load(join(folder.path, name));
  };

  it('are those that the post-processor puts around a text', () => {
    const tokenizer = load('roberta', { tokenizer: roberta, tokenizer_config: {} });
    expect(idsOf(tokenizer)).toEqual([0, 2, 1, 3]);
    expect(tokenWindows([4, 4, 4], 4, tokenizer)).toEqual([
      [0, 4, 4, 2],
      [0, 4, 2],
    ]);
  });

  it('are named by tokenizer_config.json', () => {
    const tokenizer = load('config', { tokenizer: odd, tokenizer_config: names });
    expect(idsOf(tokenizer)).toEqual([0, 2, 1, 3]);
  });

  it('are named by special_tokens_map.json where tokenizer_config.json says nothing', () => {
    const files = { tokenizer: odd, tokenizer_config: {}, special_tokens_map: names };
    expect(idsOf(load('map', files))).toEqual([0, 2, 1, 3]);
    const both = { ...files, tokenizer_config: { cls_token: 'word' } };
    expect(idsOf(load('both', both))).toEqual([4, 2, 1, 3]);
  });

  it('have the padding that tokenizer.json itself names', () => {
    const padded = { ...odd, padding: { strategy: 'BatchLongest', pad_id: 1, pad_token: 'fill' } };
    const { pad_token: _, ...others } = names;
    const tokenizer = load('padding', { tokenizer: padded, tokenizer_config: others });
    expect(tokenizer.padId).toBe(1);
  });

  it('have the usual names where nothing else names them', () => {
    const vocab = { '<pad>': 0, '</s>': 1, '<s>': 2, x: 3 };
    expect(idsOf(TextTokenizer.fromJson(named(vocab, 'x')))).toEqual([2, 1, 0, 3]);
    expect(idsOf(TextTokenizer.fromJson(tokenizerJson()))).toEqual([2, 3, 0, 1]);
  });

  it('may lack one for what is unknown, where the vocabulary knows everything', () => {
    const vocab = { '[CLS]': 0, '[SEP]': 1, '[PAD]': 2, a: 3 };
    const tokenizer = TextTokenizer.fromJson(
      tokenizerJson({ model: { type: 'BPE', vocab, merges: [], unk_token: null } }),
    );
    expect(tokenizer.unkId).toBe(-1);
    expect(tokenizer.configWithSpecialTokens).not.toHaveProperty('unk_token');
  });

  it('are missed by their names', () => {
    expect(() => TextTokenizer.fromJson(odd)).toThrow(
      /no cls token is named, and the vocabulary has neither \[CLS\] nor <s>/,
    );
    expect(() => TextTokenizer.fromJson(odd, { ...names, pad_token: 'none' })).toThrow(
      /the vocabulary lacks the pad token "none"/,
    );
  });

  it('stand in the tokenizer_config.json of a bundle, which then needs no other file', () => {
    const files = {
      tokenizer: odd,
      tokenizer_config: { model_max_length: 8 },
      special_tokens_map: names,
    };
    const { configWithSpecialTokens: config } = load('bundle', files);
    expect(config).toEqual({
      model_max_length: 8,
      cls_token: 'begin',
      sep_token: 'end',
      pad_token: 'fill',
      unk_token: 'what',
    });
    expect(idsOf(TextTokenizer.fromJson(odd, config))).toEqual([0, 2, 1, 3]);
  });

  it('keep the way in which tokenizer_config.json writes them', () => {
    const config = { ...names, unk_token: 'what' };
    expect(TextTokenizer.fromJson(odd, config).configWithSpecialTokens).toEqual(config);
  });

  it('are put into the post-processor of a tokenizer.json that has none around a text', () => {
    const byteLevel = { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true };
    for (const present of [null, byteLevel]) {
      const text = JSON.stringify({ ...odd, post_processor: present });
      const completed = JSON.parse(
        TextTokenizer.fromJson(JSON.parse(text), names).fileWithTemplate(text),
      );
      const pad = { pad_token: 'fill' };
      expect(idsOf(TextTokenizer.fromJson(completed, pad))).toEqual([0, 2, 1, 3]);
      expect(JSON.stringify(completed)).toContain(
        present ? '"processors":[{"type":"ByteLevel"' : '"single"',
      );
    }
    const text = JSON.stringify(roberta);
    expect(TextTokenizer.fromJson(roberta).fileWithTemplate(text)).toBe(text);
  });
});
