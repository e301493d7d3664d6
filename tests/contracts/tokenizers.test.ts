import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { packageRoot } from '../../src/package-root.ts';
import { models } from '../../src/text/tokenizer/models.ts';
import { normalizers } from '../../src/text/tokenizer/normalizers.ts';
import { preTokenizers } from '../../src/text/tokenizer/pre-tokenizers.ts';
import { postProcessors } from '../../src/text/tokenizer/template.ts';

const document = readFileSync(join(packageRoot, 'docs/tokenizers.md'), 'utf8');
const tables = {
  normalizer: normalizers,
  pre_tokenizer: preTokenizers,
  model: models,
  post_processor: postProcessors,
};

describe('docs/tokenizers.md', () => {
  it('lists the components that are honoured, and their attributes', () => {
    const listed = [...document.matchAll(/^\| `(\w+)` \| (\w+) \| (.*?) ?\|$/gm)].map(
      ([, part, type, attributes]) =>
        `${part} ${type}: ${attributes?.replace(/[()]/g, '') ?? ''}`.trim(),
    );
    const honoured = Object.entries(tables).flatMap(([part, table]) =>
      Object.entries(table).map(([type, { attributes }]) =>
        `${part} ${type}: ${attributes.join(', ')}`.trim(),
      ),
    );
    expect(listed).toEqual(honoured);
  });
});
