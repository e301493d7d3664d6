import { describe, expect, it } from '@jest/globals';
import { roundBlocks } from '../../../../training/deploy/quantize/round-blocks.ts';
import type { ConstantMatrix } from '../../../../training/graph/facts/constant-matrix.ts';
import { Graph } from '../../../../training/onnx/graph.ts';
import { floatTensor } from '../../../../training/onnx/tensor.ts';

function matrix(dims: readonly [number, number], values: readonly number[], transposed = false) {
  const tensor = floatTensor(dims, Float32Array.from(values));
  const source = new Graph('g').addInitializer('w', tensor);
  return { tensor, transposed, source } satisfies ConstantMatrix;
}

describe('a matrix in blocks', () => {
  it('has the element farthest from 0 at the least value, whatever its sign, and zeros behind its end', () => {
    // One column of five rows in blocks of four: −8 gives the scale 1; 3 gives −3/8, and three zeros follow it.
    const { values, scales } = roundBlocks(matrix([5, 1], [-8, 4, 1, 0, 3]), { bits: 4, size: 4 });
    expect([...scales]).toEqual([1, -0.375]);
    expect([...values]).toEqual([0xc0, 0x89, 0x80, 0x88]);
  });

  it('takes 8 bits a byte each', () => {
    const { values, scales, error } = roundBlocks(matrix([3, 1], [-128, 127, 5]), {
      bits: 8,
      size: 4,
    });
    expect([...scales]).toEqual([1]);
    expect([...values]).toEqual([0, 255, 133, 128]);
    expect(error).toBe(0);
  });

  it('is cut along columns as the graph reads it', () => {
    const form = { bits: 8, size: 2 } as const;
    const upright = roundBlocks(matrix([2, 3], [1, 2, 3, 4, 5, 6]), form);
    const turned = roundBlocks(matrix([3, 2], [1, 4, 2, 5, 3, 6], true), form);
    expect(turned).toEqual(upright);
    expect([...upright.scales]).toEqual([-4 / 128, -5 / 128, -6 / 128].map(Math.fround));
  });

  it('may be all zeros', () => {
    const { values, scales, error } = roundBlocks(matrix([2, 1], [0, 0]), { bits: 4, size: 2 });
    expect({ values: [...values], scales: [...scales], error }).toEqual({
      values: [0x88],
      scales: [1],
      error: 0,
    });
  });

  it('is refused with numbers that are not finite', () => {
    const broken = matrix([2, 1], [1, Number.NaN]);
    expect(() => roundBlocks(broken, { bits: 8, size: 16 })).toThrow(/"w" holds numbers/);
  });
});
