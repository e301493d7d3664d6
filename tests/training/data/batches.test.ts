import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { tokenWindows } from '../../../src/text/index.ts';
import {
  type Batch,
  evaluationBatches,
  Random,
  type TokenizedExample,
  tokenizeExamples,
  trainingBatches,
} from '../../../training/data/index.ts';

const tokenizer = { clsId: 2, sepId: 3, padId: 0 };

/** Examples of the given lengths; id 1000·example + position, so that a piece tells where it is from. */
const examplesOf = (lengths: readonly number[]): TokenizedExample[] =>
  lengths.map((length, example) => ({
    ids: Int32Array.from({ length }, (_, i) => 1000 * (example + 1) + i),
    labels: Float32Array.of(example, example % 2),
  }));

/** The ids of each row between [CLS] and [SEP], after checking marks, mask and padding. */
function rowsOf({ size, length, inputIds, attentionMask }: Batch): number[][] {
  return Array.from({ length: size }, (_, row) => {
    const ids = Array.from(inputIds.subarray(row * length, (row + 1) * length), Number);
    const mask = Array.from(attentionMask.subarray(row * length, (row + 1) * length), Number);
    const tokens = mask.reduce((sum, one) => sum + one, 0);
    expect(mask).toEqual(mask.map((_, i) => (i < tokens ? 1 : 0)));
    expect(ids.slice(tokens)).toEqual(new Array(length - tokens).fill(0));
    expect([ids[0], ids[tokens - 1]]).toEqual([2, 3]);
    return ids.slice(1, tokens - 1);
  });
}

const lengths = fc.array(fc.nat(60), { minLength: 1, maxLength: 120 });
const shape = fc.record({
  batchSize: fc.integer({ min: 1, max: 9 }),
  maxLength: fc.integer({ min: 8, max: 40 }),
});

describe('training batches', () => {
  it('hold a window of every example once, with its labels, none longer than allowed', () => {
    fc.assert(
      fc.property(lengths, shape, fc.nat(), (list, options, seed) => {
        const examples = examplesOf(list);
        const batches = trainingBatches(examples, { ...options, tokenizer, seed, epoch: 1 });
        expect([...batches]).toHaveLength(batches.count);
        const seen: number[] = [];
        for (const batch of batches) {
          expect(batch.length).toBeLessThanOrEqual(options.maxLength);
          for (const [row, ids] of rowsOf(batch).entries()) {
            const [example, odd] = batch.labels.subarray(row * 2, row * 2 + 2);
            seen.push(example ?? -1);
            expect(odd).toBe((example ?? 0) % 2);
            const whole = Array.from(examples[example ?? -1]?.ids ?? []);
            expect(ids).toHaveLength(Math.min(whole.length, options.maxLength - 2));
            const start = ids.length === 0 ? 0 : whole.indexOf(ids[0] ?? -1);
            expect(ids).toEqual(whole.slice(start, start + ids.length));
          }
        }
        expect(seen.sort((a, b) => a - b)).toEqual(list.map((_, i) => i));
      }),
      { numRuns: 50 },
    );
  });

  const examples = examplesOf(Array.from({ length: 100 }, (_, i) => (i * 37) % 90));
  const options = { batchSize: 8, maxLength: 32, tokenizer, seed: 1 };
  const epoch = (n: number, seed = 1) => [
    ...trainingBatches(examples, { ...options, seed, epoch: n }),
  ];

  it('are the same for the same seed and epoch, and others for others', () => {
    expect(epoch(1)).toEqual(epoch(1));
    expect(epoch(1)).not.toEqual(epoch(2));
    expect(epoch(1)).not.toEqual(epoch(1, 2));
  });

  it('can be taken one by one in any order', () => {
    const plan = trainingBatches(examples, { ...options, epoch: 1 });
    expect(plan.at(plan.count - 1)).toEqual(epoch(1).at(-1));
    expect(plan.at(0)).toEqual(epoch(1)[0]);
    expect(() => plan.at(plan.count)).toThrow(/no batch 13 of 13/);
  });

  it('reach every part of a long text over the epochs', () => {
    const long = examplesOf([40]);
    const seen = new Set<number>();
    for (let n = 0; n < 200; n++) {
      const [batch] = trainingBatches(long, { ...options, maxLength: 12, epoch: n });
      for (const id of rowsOf(batch as Batch)[0] ?? []) seen.add(id);
    }
    expect(seen.size).toBe(40);
  });

  it('put similar lengths together: little padding, and few different lengths', () => {
    const random = new Random(3);
    const many = examplesOf(Array.from({ length: 1000 }, () => 5 + random.int(60)));
    const batches = [...trainingBatches(many, { ...options, maxLength: 128, epoch: 1 })];
    const cells = batches.reduce((sum, batch) => sum + batch.inputIds.length, 0);
    const tokens = many.reduce((sum, { ids }) => sum + ids.length + 2, 0);
    // Lengths are rounded up to multiples of 8, which alone costs about a tenth here.
    expect(tokens / cells).toBeGreaterThan(0.85);
    for (const { length } of batches) expect(length % 8).toBe(0);
  });
});

describe('evaluation batches', () => {
  it('hold the first windows of every example once, sorted by length, and say whose they are', () => {
    fc.assert(
      fc.property(lengths, shape, fc.integer({ min: 1, max: 4 }), (list, options, maxWindows) => {
        const examples = examplesOf(list);
        const batches = [...evaluationBatches(examples, { ...options, maxWindows, tokenizer })];
        const indices = batches.flatMap((batch) => batch.indices);
        const rows = batches.flatMap(rowsOf);
        for (const [i, ids] of rows.entries()) {
          expect(ids.length).toBeGreaterThanOrEqual(rows[i - 1]?.length ?? 0);
        }
        const inOrder = rows
          .map((ids, i) => ({ index: indices[i] ?? -1, ids }))
          .sort((a, b) => a.index - b.index || (a.ids[0] ?? 0) - (b.ids[0] ?? 0))
          .map(({ ids }) => ids);
        const served = examples.flatMap(({ ids }) =>
          tokenWindows([...ids], options.maxLength, tokenizer, maxWindows).map((window) =>
            window.slice(1, -1),
          ),
        );
        expect(inOrder).toEqual(served);
        expect(batches.flatMap(({ labels }) => Array.from(labels))).toEqual(
          indices.flatMap((index) => [index, index % 2]),
        );
      }),
      { numRuns: 50 },
    );
  });

  it('are windows alone and unpadded where that is asked for', () => {
    const options = { batchSize: 4, maxLength: 8, maxWindows: 3, alone: true, tokenizer };
    const batches = [...evaluationBatches(examplesOf([3, 9]), options)];
    expect(batches.map(({ size, length }) => [size, length])).toEqual([
      [1, 5],
      [1, 5],
      [1, 8],
    ]);
  });
});

describe('tokenizing examples', () => {
  it('keeps all ids and the labels', () => {
    const labels = Float32Array.of(1, 0);
    const encode = (text: string) => Array.from(text, (character) => character.charCodeAt(0));
    expect(tokenizeExamples([{ text: 'ab', labels }], { encode })).toEqual([
      { ids: Int32Array.of(97, 98), labels },
    ]);
  });
});
