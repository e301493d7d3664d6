/** A small `tokenizer.json` with the parts given in place of its own. */
export function tokenizerJson(parts: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: null,
    model: {
      type: 'WordLevel',
      vocab: { '[PAD]': 0, '[UNK]': 1, '[CLS]': 2, '[SEP]': 3 },
      unk_token: '[UNK]',
    },
    ...parts,
  };
}
