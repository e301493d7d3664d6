import { describe, expect, it } from '@jest/globals';
import { Random } from '../../../training/random.ts';

const draws = (random: Random, n: number) => Array.from({ length: n }, () => random.next());

describe('a seeded source of random numbers', () => {
  it('gives the same draws for the same seeds, on every machine', () => {
    const random = new Random(42, 'test');
    expect([random.bits(), random.bits(), random.bits()]).toEqual([
      726765336, 792841745, 964391051,
    ]);
    expect(draws(new Random(1), 5)).toEqual(draws(new Random(1), 5));
  });

  it('gives other draws for other seeds, and tells numbers from words', () => {
    const streams = [
      new Random(1),
      new Random(2),
      new Random('1'),
      new Random(1, 2),
      new Random(12),
    ];
    expect(new Set(streams.map((random) => random.next())).size).toBe(streams.length);
  });

  it('is uniform in [0, 1): mean, variance and no correlation of neighbours', () => {
    const values = draws(new Random(7), 100_000);
    const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
    const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length;
    const neighbours = values
      .slice(1)
      .reduce((sum, x, i) => sum + (x - mean) * ((values[i] ?? 0) - mean), 0);
    // Five standard errors of 100,000 draws.
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.005);
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(0.0012);
    expect(Math.abs(neighbours / values.length / variance)).toBeLessThan(0.016);
    expect(values.every((x) => x >= 0 && x < 1)).toBe(true);
  });

  it('draws standard normals', () => {
    const random = new Random(8);
    const values = Array.from({ length: 100_000 }, () => random.normal());
    const moment = (power: number) =>
      values.reduce((sum, x) => sum + x ** power, 0) / values.length;
    expect(Math.abs(moment(1))).toBeLessThan(0.016);
    expect(Math.abs(moment(2) - 1)).toBeLessThan(0.023);
    expect(Math.abs(moment(4) - 3)).toBeLessThan(0.16);
  });

  it('draws integers below n, all of them', () => {
    const random = new Random(9);
    const seen = new Set(Array.from({ length: 1000 }, () => random.int(7)));
    expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it('shuffles without loss, every element to every place alike', () => {
    const random = new Random(10);
    const first = [0, 0, 0, 0, 0];
    for (let i = 0; i < 5000; i++) {
      const list = random.shuffle([0, 1, 2, 3, 4]);
      expect([...list].sort()).toEqual([0, 1, 2, 3, 4]);
      first[list[0] ?? 0] = (first[list[0] ?? 0] ?? 0) + 1;
    }
    // 1000 each is expected; 150 is more than five standard errors.
    for (const count of first) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });
});
