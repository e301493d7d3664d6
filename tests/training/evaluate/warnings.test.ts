import { describe, expect, it } from '@jest/globals';
import { loadConfig } from '../../../src/config/index.ts';
import { loadCorpus } from '../../../training/data/index.ts';
import { dataWarnings, wilsonInterval } from '../../../training/evaluate/index.ts';

const split = (yes: number, no: number) => ({ rows: yes + no, labels: { axis: { yes, no } } });
const plenty = {
  train: split(500, 500),
  validation: split(100, 100),
  test: split(100, 100),
};

describe('warnings of data', () => {
  it('are none where there are texts enough of every label', () => {
    expect(dataWarnings(plenty)).toEqual([]);
  });

  it('are none for the shipped quick configuration', async () => {
    const { config } = loadConfig({ file: 'configs/quick.json', env: {} });
    const { report } = await loadCorpus(config);
    expect(dataWarnings(report.splits)).toEqual([]);
  });

  it('name a split of few texts, with what an accuracy on it stands for', () => {
    expect(dataWarnings({ ...plenty, test: split(20, 20) })).toEqual([
      'the test split has only 40 texts: an accuracy of 80 % on them stands for anything from 65 to 90 % (95 % interval)',
    ]);
    expect(dataWarnings({ ...plenty, train: split(60, 60) })).toEqual([
      'only 120 texts to learn from: expected 200 at least',
    ]);
  });

  it('name every split of twelve rows, and its labels in one sentence', () => {
    const found = dataWarnings({ train: split(4, 4), validation: split(1, 1), test: split(1, 1) });
    expect(found).toHaveLength(3 + 3);
  });

  it('name the label that is rare, and the majority, of 20 positives among 1,000', () => {
    const found = dataWarnings({
      train: split(14, 709),
      validation: split(3, 124),
      test: split(3, 147),
    });
    expect(found).toEqual([
      'the train split has only 14 texts labelled yes (axis): expected 30 of each at least, to be learnt',
      expect.stringMatching(/^98 % of the training texts are labelled no \(axis\).*macro-F1/),
      expect.stringMatching(/^the validation split has only 3 texts labelled yes.*thresholds/),
      expect.stringMatching(/^the test split has only 3 texts labelled yes.*recall and F1/),
    ]);
  });

  it('begin below the numbers that they name, and above 95 % of one label', () => {
    const figures = { train: [200, 30], validation: [100, 10], test: [100, 10] } as const;
    for (const [name, [rows, label]] of Object.entries(figures)) {
      const found = (few: number, all: number) =>
        dataWarnings({ ...plenty, [name]: split(few, all - few) }).length;
      expect([name, found(label, rows), found(label - 1, rows), found(label, rows - 1)]).toEqual([
        name,
        0,
        1,
        1,
      ]);
      expect([name, found(label, rows + 1), found(label + 1, rows)]).toEqual([name, 0, 0]);
    }
    const majority = (no: number) => dataWarnings({ ...plenty, train: split(2000 - no, no) });
    expect([majority(1900), majority(1899)]).toEqual([[], []]);
    expect(majority(1901)).toEqual([expect.stringMatching(/^95 % of the training texts/)]);
    // A label alone is named as the one that is missing, not as a majority.
    expect(majority(2000)).toEqual([
      expect.stringMatching(/^the train split has no text labelled yes/),
    ]);
  });

  it('list eight labels, and count the rest', () => {
    const counts = (labels: number) =>
      Object.fromEntries(Array.from({ length: labels }, (_, i) => [`l${i}`, 1]));
    const said = (labels: number) =>
      dataWarnings({ test: { rows: 500, labels: { a: counts(labels) } } })[0] ?? '';
    expect(said(8)).toContain('1 text labelled l7 (a): expected 10');
    expect(said(9)).toContain('1 text labelled l7 (a) and 1 more like these: expected 10');
    expect(said(10)).toContain('l7 (a) and 2 more like these');
  });

  it.each([
    ['train', split(100, 100), split(100, 99)],
    ['validation', split(50, 50), split(50, 49)],
    ['test', split(50, 50), split(50, 49)],
    ['train', split(30, 300), split(29, 300)],
    ['validation', split(10, 150), split(9, 150)],
    ['test', split(10, 150), split(9, 150)],
    ['train', split(950, 50), split(951, 49)],
  ])('begin for %s with one text too few', (name, enough, tooFew) => {
    expect(dataWarnings({ [name]: enough })).toEqual([]);
    expect(dataWarnings({ [name]: tooFew })).toHaveLength(1);
  });

  it('name a label that a split lacks', () => {
    expect(dataWarnings({ ...plenty, validation: split(0, 200) })).toEqual([
      expect.stringMatching(
        /^the validation split has no text labelled yes \(axis\): no threshold can be tuned/,
      ),
    ]);
    expect(dataWarnings({ test: split(200, 0) })).toEqual([
      expect.stringMatching(/^the test split has no text labelled no.*cannot be measured/),
    ]);
  });
});

describe("Wilson's interval", () => {
  // R: binom::binom.confint(8, 10, methods = "wilson"), prop.test(45, 50, correct = FALSE), and the limits.
  it.each([
    [0.8, 10, 0.4902, 0.9433],
    [0.9, 50, 0.7864, 0.9565],
    [1, 20, 0.8389, 1],
    [0, 20, 0, 0.1611],
    [0.5, 1, 0.0546, 0.9454],
    [0.5, 1000, 0.4691, 0.5309],
    [0, 0, 0, 1],
  ])('of %d in %d trials', (share, trials, low, high) => {
    const found = wilsonInterval(share, trials);
    expect(found[0]).toBeCloseTo(low, 4);
    expect(found[1]).toBeCloseTo(high, 4);
  });
});
