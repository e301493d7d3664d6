import type { RuleTable } from '../rule.ts';
import { arithmeticRules } from './arithmetic.ts';
import { attentionRules } from './attention.ts';
import { convolutionRules } from './convolution.ts';
import { einsumRules } from './einsum.ts';
import { indexingRules } from './indexing.ts';
import { matrixRules } from './matrix.ts';
import { normalizationRules } from './normalization.ts';
import { reductionRules } from './reduction.ts';
import { scatterRules } from './scatter.ts';
import { shapeRules } from './shape.ts';
import { unaryRules } from './unary.ts';

/** The gradient rule of every differentiable operator, by operator key. */
export const rules: RuleTable = {
  ...arithmeticRules,
  ...attentionRules,
  ...convolutionRules,
  ...einsumRules,
  ...indexingRules,
  ...matrixRules,
  ...normalizationRules,
  ...reductionRules,
  ...scatterRules,
  ...shapeRules,
  ...unaryRules,
};
