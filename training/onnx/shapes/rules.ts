import type { Node } from '../graph.ts';
import { contribRules } from './contrib.ts';
import { controlFlowRules } from './control-flow.ts';
import { convolutionShapes } from './convolution.ts';
import { einsumShapes } from './einsum.ts';
import { elementwiseRules } from './elementwise.ts';
import { generateRules } from './generate.ts';
import { indexingRules } from './indexing.ts';
import { layoutRules } from './layout.ts';
import { matMulRules } from './matmul.ts';
import { nnRules } from './nn.ts';
import { quantizeRules } from './quantize.ts';
import { reduceRules } from './reduce.ts';
import type { Rule, RuleTable } from './rule.ts';

/** By domain: a Map, since a domain may be called like anything that every object has. */
const rules: ReadonlyMap<string, RuleTable> = new Map<string, RuleTable>([
  [
    '',
    {
      ...elementwiseRules,
      ...layoutRules,
      ...indexingRules,
      ...generateRules,
      ...reduceRules,
      ...matMulRules,
      ...nnRules,
      ...convolutionShapes,
      ...einsumShapes,
      ...quantizeRules,
      ...controlFlowRules,
    },
  ],
  ['com.microsoft', contribRules],
]);

/** The rule for a node's operator; undefined for an operator that inference knows nothing of. */
export function ruleOf(node: Pick<Node, 'op' | 'domain'>): Rule | undefined {
  const table = rules.get(node.domain);
  return table && Object.hasOwn(table, node.op) ? table[node.op] : undefined;
}
