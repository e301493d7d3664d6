export { calibrate } from './calibrate.ts';
export {
  type Evaluation,
  evaluateAxes,
} from './evaluate-axes.ts';
export { majorityBaseline, positiveShares } from './majority.ts';
export { type Parity, parityOf } from './parity.ts';
export { referenceOf } from './reference.ts';
export { evaluationTable } from './table.ts';
export { tuneThreshold } from './thresholds.ts';
export { dataWarnings, wilsonInterval } from './warnings.ts';
