import { describe, expect, it } from '@jest/globals';
import { coreShares } from '../../../src/models/core-shares.ts';

describe('coreShares', () => {
  it.each([
    [8, [true, false], [4, 4]],
    [7, [false, true], [3, 4]],
    [2, [true, false, false], [1, 1, 1]],
    [1, [true], [1]],
  ])('divides %i cores among models, what is left over to the default', (cores, models, shares) => {
    expect(coreShares(cores, models)).toEqual(shares);
  });
});
