import { describe, expect, it } from '@jest/globals';
import { probabilities, type Task, toPrediction, untunedTask } from '../../../src/task/index.ts';

const mbti = untunedTask(
  {
    name: 'mbti',
    axes: [
      { name: 'E/I', labels: ['E', 'I'] },
      { name: 'S/N', labels: ['S', 'N'] },
      { name: 'T/F', labels: ['T', 'F'] },
      { name: 'J/P', labels: ['J', 'P'] },
    ],
  },
  'mbti',
);

describe('logits', () => {
  it('become the probability of the first label, without overflow', () => {
    const [zero, high, low, half] = probabilities(mbti, new Float32Array([0, 1000, -1000, 2]));
    expect([zero, high, low]).toEqual([0.5, 1, 0]);
    expect(half).toBeCloseTo(0.8807970779778823, 15);
  });

  it("are divided by the axis's temperature", () => {
    const cold: Task = { ...mbti, axes: mbti.axes.map((axis) => ({ ...axis, temperature: 4 })) };
    expect(probabilities(cold, [4, 0, 0, 0])[0]).toBeCloseTo(1 / (1 + Math.exp(-1)), 15);
  });
});

describe('a prediction', () => {
  it('of the MBTI task has the type, the dimensions and both labels of each', () => {
    expect(toPrediction(mbti, [0.25, 0.5, 0.125, 0.75])).toEqual({
      mbti_type: 'ISFJ',
      dimensions: [
        { dimension: 'E/I', score: 0.25, label: 'I' },
        { dimension: 'S/N', score: 0.5, label: 'S' },
        { dimension: 'T/F', score: 0.125, label: 'F' },
        { dimension: 'J/P', score: 0.75, label: 'J' },
      ],
      probabilities: { E: 0.25, I: 0.75, S: 0.5, N: 0.5, T: 0.125, F: 0.875, J: 0.75, P: 0.25 },
    });
  });

  it('of another task has the labels joined by a slash', () => {
    const task = untunedTask(
      {
        name: 'mail',
        axes: [
          { name: 'tone', labels: ['kind', 'rude'] },
          { name: 'kind', labels: ['spam', 'ham'] },
        ],
      },
      'none',
    );
    const prediction = toPrediction(task, [0.9, 0.2]);
    expect(prediction.label).toBe('kind/ham');
    expect(Object.keys(prediction)).toEqual(['label', 'dimensions', 'probabilities']);
  });

  it("follows the axis's own threshold", () => {
    const strict: Task = { ...mbti, axes: mbti.axes.map((axis) => ({ ...axis, threshold: 0.8 })) };
    expect(toPrediction(strict, [0.79, 0.8, 0.81, 1]).mbti_type).toBe('ISTJ');
  });

  it('names a label that two axes share by its axis', () => {
    const axes = ['a', 'b'].map((name) => ({ name, labels: ['yes', 'no'] as const }));
    const task = untunedTask({ name: 'two', axes }, 'none');
    expect(toPrediction(task, [0.75, 0.5]).probabilities).toEqual({
      'a:yes': 0.75,
      'a:no': 0.25,
      'b:yes': 0.5,
      'b:no': 0.5,
    });
  });
});
