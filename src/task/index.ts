export {
  meanProbabilities,
  meanProbability,
  type Prediction,
  probabilities,
  toPrediction,
} from './prediction.ts';
export { type Axis, MBTI, minimumLength, type Task, untunedTask } from './task.ts';
