import type { RuleTable } from '../rule.ts';
import { arithmeticRules } from './arithmetic.ts';
import { attentionRules } from './attention.ts';
import { indexingRules } from './indexing.ts';
import { matrixRules } from './matrix.ts';
import { normalizationRules } from './normalization.ts';
import { reductionRules } from './reduction.ts';
import { shapeRules } from './shape.ts';
import { unaryRules } from './unary.ts';

/** The gradient rule of every differentiable operator, by operator key. */
export const rules: RuleTable = {
  ...arithmeticRules,
  ...attentionRules,
  ...indexingRules,
  ...matrixRules,
  ...normalizationRules,
  ...reductionRules,
  ...shapeRules,
  ...unaryRules,
};
