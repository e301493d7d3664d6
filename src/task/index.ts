export {
  meanProbabilities,
  meanProbability,
  type Prediction,
  probabilities,
  toPrediction,
} from './prediction.ts';
export { type Axis, MBTI, type Task, untunedTask } from './task.ts';
