import { describe, expect, it } from '@jest/globals';
import { windowedTokenizer } from '../../../training/bundle/index.ts';

describe('the tokenizer’s configuration in a bundle', () => {
  it.each([
    ['a value', { cls_token: '[CLS]', model_max_length: 512 }],
    ['a text', '{"cls_token":"[CLS]"}'],
  ])('has the window as its longest input, given as %s', (_name, config) => {
    expect(windowedTokenizer(config, 32)).toEqual({ cls_token: '[CLS]', model_max_length: 32 });
  });

  it.each(['[', '"no object"', 'null'])('is refused as %s', (text) => {
    expect(() => windowedTokenizer(text, 32)).toThrow(/does not hold a JSON object|is not JSON/);
  });
});
