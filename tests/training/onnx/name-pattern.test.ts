import { describe, expect, it } from '@jest/globals';
import { namePattern } from '../../../training/onnx/name-pattern.ts';

const cases: readonly [string, string, boolean][] = [
  ['*', 'encoder.layer.0.weight', true],
  ['encoder.*.weight', 'encoder.layer.0.weight', true],
  ['encoder.*.weight', 'encoder.layer.0.weight_1', false],
  ['encoder.*.weight', 'my.encoder.0.weight', false],
  ['layer.0', 'layer_0', false],
  ['/a+b/(c)[d]/MatMul_*', '/a+b/(c)[d]/MatMul_3', true],
  ['', 'anything', false],
];

describe('a pattern for names', () => {
  it.each(cases)('"%s" against "%s": %p', (pattern, name, matches) => {
    expect(namePattern(pattern).test(name)).toBe(matches);
  });
});
