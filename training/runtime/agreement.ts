import { idsOfType } from '../../src/bundle/index.ts';
import { AppError } from '../../src/errors.ts';
import { onOneLine } from '../../src/files/index.ts';
import { encodeChunks, encodeModel } from '../onnx/codec/index.ts';
import type { Value } from '../onnx/graph.ts';
import type { Model } from '../onnx/model.ts';
import type { Random } from '../random.ts';
import { settingsOfSession } from './folding.ts';
import { allowanceFor, openGuarded } from './guard/guarded-session.ts';
import type { Allowance, PlainTensor, PlainTensors } from './guard/protocol.ts';
import { InferenceSession, Tensor } from './onnxruntime.ts';

/** How far two models are apart, or why that cannot be said. */
export interface Agreement {
  /** The largest |x − y| / max(1, |x|) of any output; NaN where only one is NaN, or where shapes differ. */
  readonly difference?: number;
  readonly problem?: string;
}

/** Sizes of batch and length that two models are compared at. */
const sizes = [
  [1, 1],
  [1, 7],
  [2, 16],
  [3, 33],
  [8, 12],
] as const;

type Feeds = Readonly<Record<string, Tensor>>;
type Outputs = PlainTensors;

/** What runs a model, here or in a process of its own. */
interface Opened {
  run(feeds: Feeds): Promise<Outputs>;
  release(): Promise<void>;
}

async function openHere(model: Model): Promise<Opened> {
  const session = await InferenceSession.create(encodeModel(model), {
    ...settingsOfSession(1),
    logSeverityLevel: 4,
  });
  return {
    run: async (feeds) => (await session.run(feeds)) as unknown as Outputs,
    release: () => session.release(),
  };
}

/** For models of unknown origin. */
export async function openApart(model: Model, allowance?: Allowance): Promise<Opened> {
  const chunks = encodeChunks(model);
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  return openGuarded(chunks, { threads: 1, allowance: allowance ?? allowanceFor(length) });
}

/**
 * Runs two models of one signature on random ids, in batches of texts of different lengths, padded at the end. They
 * are not compared where the runtime refuses the given one or its inputs are of another kind; where it refuses only
 * the other one, that is an error: AppError `internal`.
 */
export async function compareModels(
  given: Model,
  other: Model,
  random: Random,
  open: (model: Model) => Promise<Opened> = openHere,
): Promise<Agreement> {
  let feeds: readonly Feeds[];
  let expected: readonly Outputs[];
  try {
    feeds = feedsFor(given, random);
    expected = await outputsOf(given, feeds, open);
  } catch (cause) {
    return { problem: reason(cause) };
  }
  const found = await outputsOf(other, feeds, open).catch((cause: unknown) => {
    throw new AppError('internal', `the rewritten model cannot be run: ${reason(cause)}`, {
      cause,
    });
  });
  return {
    difference: Math.max(...expected.map((outputs, i) => farthest(outputs, found[i] ?? {}))),
  };
}

const reason = (cause: unknown): string =>
  onOneLine((cause instanceof Error ? cause.message.trim() : String(cause)).split('\n')[0] ?? '');

async function outputsOf(
  model: Model,
  feeds: readonly Feeds[],
  open: (model: Model) => Promise<Opened>,
): Promise<readonly Outputs[]> {
  const session = await open(model);
  try {
    const all: Outputs[] = [];
    for (const one of feeds) all.push(await session.run(one));
    return all;
  } finally {
    await session.release();
  }
}

const farthest = (expected: Outputs, found: Outputs): number =>
  Math.max(
    ...Object.entries(expected).map(([name, x]) => {
      const y = found[name];
      return y && x.dims.join() === y.dims.join() ? apart(x, y) : Number.NaN;
    }),
  );

function apart(a: PlainTensor, b: PlainTensor): number {
  const [x, y] = [a, b].map((tensor) => Array.from(tensor.data as Float32Array, Number));
  return (x ?? []).reduce((most, value, i) => {
    const other = y?.[i] ?? Number.NaN;
    if (Object.is(value, other)) return most;
    return Math.max(most, Math.abs(value - other) / Math.max(1, Math.abs(value)));
  }, 0);
}

/** The tables that a graph looks rows up in: those of its parameters that a Gather reads. */
const tables = ({ graph }: Model) =>
  [...graph.nodes].flatMap(({ op, inputs: [table, rows] }) =>
    op === 'Gather' && table?.initializer?.dims.length === 2 && rows
      ? [{ rows, size: table.initializer.dims[0] ?? 0, name: table.name }]
      : [],
  );

/** How long a text may be. Some models count their positions from 2 on. */
function positions(model: Model): number {
  const own = tables(model).filter(({ name }) => /position_embeddings/.test(name));
  return own.reduce((least, { size }) => Math.min(least, size - 2), 512);
}

const feedsFor = (model: Model, random: Random): readonly Feeds[] =>
  sizes
    .filter(([, length]) => length <= positions(model))
    .map(([batch, length]) => randomFeeds(model, batch, length, random));

function randomFeeds(model: Model, batch: number, length: number, random: Random) {
  const inputs = model.graph.inputs.filter(({ initializer }) => initializer === undefined);
  const lengths = Array.from({ length: batch }, (_, row) =>
    row === 0 ? length : 1 + random.int(length),
  );
  const isText = (at: number): boolean => at % length < (lengths[Math.floor(at / length)] ?? 0);
  return Object.fromEntries(
    inputs.map((input) => [
      input.name,
      randomTensor(model, input, { batch, length, random, isText }),
    ]),
  );
}

interface Texts {
  readonly batch: number;
  readonly length: number;
  readonly random: Random;
  readonly isText: (at: number) => boolean;
}

function randomTensor(
  model: Model,
  input: Value,
  { batch, length, random, isText }: Texts,
): Tensor {
  const { name, type, shape } = input;
  if (shape === undefined) throw new Error(`the shape of the input ${name} is not known`);
  const dims = shape.map((dim, i) => (typeof dim === 'number' ? dim : i === 0 ? batch : length));
  const size = dims.reduce((n, dim) => n * dim, 1);
  const indices = Array.from({ length: size }, (_, i) => i);
  if (type === 'float32') {
    return new Tensor(
      type,
      Float32Array.from(indices, () => random.normal()),
      dims,
    );
  }
  if (type !== 'int64' && type !== 'int32') {
    throw new Error(`the input ${name} is of type ${type}`);
  }
  const words = tables(model).find(({ rows }) => rows === input)?.size ?? 2;
  const element = (at: number): number =>
    name === 'attention_mask' ? Number(isText(at)) : isText(at) ? random.int(words) : 0;
  const fed = idsOfType(
    type,
    BigInt64Array.from(indices, (i) => BigInt(element(i))),
  );
  return new Tensor(fed.type, fed.data, dims);
}
