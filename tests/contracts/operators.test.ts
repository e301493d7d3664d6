import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { nonDifferentiable } from '../../training/autodiff/non-differentiable.ts';
import { rules } from '../../training/autodiff/rules/index.ts';

const guide = readFileSync('docs/training.md', 'utf8');

/** The operators of the list below a comment of the guide, which ends with a full stop. */
const listed = (comment: string): string[] =>
  (guide.split(`<!-- ${comment} -->`)[1]?.split('.')[0] ?? '').trim().split(/,\s+/).sort();

describe('the guide to training', () => {
  it('lists the operators that have a gradient rule', () => {
    expect(listed('operators with a gradient rule')).toEqual(Object.keys(rules).sort());
  });

  it('lists the operators through which no gradient flows', () => {
    expect(listed('operators through which no gradient flows')).toEqual(
      [...nonDifferentiable].sort(),
    );
  });
});
