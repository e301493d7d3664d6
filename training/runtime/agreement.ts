import { encodeModel } from '../onnx/codec/index.ts';
import type { Model } from '../onnx/model.ts';
import { InferenceSession, Tensor } from './onnxruntime.ts';

/** Sizes of batch and length that two models are compared at. */
const sizes = [
  [1, 1],
  [1, 7],
  [2, 16],
  [3, 33],
  [8, 12],
] as const;

const settings: InferenceSession.SessionOptions = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  logSeverityLevel: 3,
};

type Random = () => number;

/**
 * The largest difference of any output between two models of one signature, over random ids in batches of texts of
 * different lengths, padded. NaN where one of them gives NaN and the other does not.
 *
 * @param random numbers from 0 to below 1
 */
export async function largestDifference(a: Model, b: Model, random: Random): Promise<number> {
  const [first, second] = [
    await InferenceSession.create(encodeModel(a), settings),
    await InferenceSession.create(encodeModel(b), settings),
  ];
  try {
    let most = 0;
    for (const [batch, length] of sizes) {
      if (length > longest(a)) continue;
      const feeds = randomFeeds(a, batch, length, random);
      const [expected, given] = [await first.run(feeds), await second.run(feeds)];
      for (const name of first.outputNames) {
        const [x, y] = [expected[name]?.data, given[name]?.data];
        most = Math.max(most, difference(x as Float32Array, y as Float32Array));
      }
    }
    return most;
  } finally {
    await first.release();
    await second.release();
  }
}

/** Rows of the table that positions are looked up in: texts must not be longer. */
function longest({ graph }: Model): number {
  const tables = graph.initializers.filter(({ name }) => /position_embeddings.*weight$/.test(name));
  return Math.min(512, ...tables.map(({ initializer }) => (initializer?.dims[0] ?? 512) - 2));
}

/** Every id of the vocabulary, so far as it can be read off the largest table of embeddings. */
function vocabulary({ graph }: Model): number {
  const tables = [...graph.nodes]
    .filter(
      ({ op, inputs: [table, ids] }) =>
        op === 'Gather' && table?.initializer && ids?.name === 'input_ids',
    )
    .map(({ inputs: [table] }) => table?.initializer?.dims[0] ?? 2);
  return Math.min(...tables, 1e5);
}

function randomFeeds(model: Model, batch: number, length: number, random: Random) {
  const words = vocabulary(model);
  const lengths = Array.from({ length: batch }, (_, row) =>
    row === 0 ? length : 1 + Math.floor(random() * length),
  );
  const fill = (element: (row: number, at: number) => number): BigInt64Array =>
    BigInt64Array.from({ length: batch * length }, (_, i) =>
      BigInt(element(Math.floor(i / length), i % length)),
    );
  const isText = (row: number, at: number): boolean => at < (lengths[row] ?? 0);
  const elements: Readonly<Record<string, (row: number, at: number) => number>> = {
    attention_mask: (row, at) => Number(isText(row, at)),
    token_type_ids: (row, at) => Number(isText(row, at) && at > length / 2),
  };
  const anyId = (): number => Math.floor(random() * words);
  return Object.fromEntries(
    model.graph.inputs
      .filter(({ initializer }) => initializer === undefined)
      .map(({ name }) => [
        name,
        new Tensor('int64', fill(elements[name] ?? anyId), [batch, length]),
      ]),
  );
}

function difference(x: Float32Array, y: Float32Array): number {
  if (x.length !== y.length) return Number.NaN;
  return x.reduce((most, value, i) => {
    const other = y[i] ?? Number.NaN;
    return Object.is(value, other) ? most : Math.max(most, Math.abs(value - other));
  }, 0);
}
