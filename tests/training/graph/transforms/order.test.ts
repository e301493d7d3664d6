import { describe, expect, it } from '@jest/globals';
import { compileTiny } from '../../../support/tiny-distilbert.ts';

describe('the order of a training graph', () => {
  it('ends with the results, the head after the layers and the layers after the embeddings', () => {
    const { training } = compileTiny();
    const nodes = [...training.graph.nodes];
    const isResult = nodes.map(({ outputs }) =>
      outputs.every((output) => !output || output.uses.size === 0),
    );
    const first = isResult.indexOf(true);
    expect(isResult.slice(first).every((is) => is)).toBe(true);
    const names = nodes.slice(first).map(({ outputs }) => outputs[0]?.name ?? '');
    const at = (part: string): number => names.findIndex((name) => name.includes(part));
    const parts = ['word_embeddings', 'layer.0.attention', 'layer.1.attention', 'head.dense'];
    const positions = parts.map(at);
    expect(positions).not.toContain(-1);
    expect(positions).toEqual([...positions].sort((a, b) => a - b));
  });
});
