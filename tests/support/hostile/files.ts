import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../../../src/config/index.ts';
import { AppError, type ErrorCode } from '../../../src/errors.ts';
import { type Format, parseJson } from '../../../src/files/index.ts';
import { shardsOf } from '../../../training/architectures/hugging-face.ts';
import { trainingDataFromLog } from '../../../training/data/from-log.ts';
import { readExamples } from '../../../training/data/index.ts';
import { readSafetensors, writeSafetensors } from '../../../training/onnx/safetensors.ts';
import { floatTensor } from '../../../training/onnx/tensor.ts';
import { Random } from '../../../training/random.ts';
import { loadBest, runCheckpoints } from '../../../training/recipes/run/checkpoints.ts';
import { newRunState } from '../../../training/recipes/run/state.ts';
import { readRows } from '../read-rows.ts';
import { mutated } from './mutate.ts';

/** A kind of file that comes from outside. */
export interface HostileKind {
  /** A sound one. */
  readonly source: (folder: string) => Promise<Buffer>;
  /** Reads one as the product does. */
  readonly read: (bytes: Buffer, folder: string) => Promise<unknown>;
  /** What it may be refused with. */
  readonly codes: readonly ErrorCode[];
}

const file = (folder: string, name: string, bytes: Buffer): string => {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
};

/** Half of the mutated files of safetensors say the right length of their header, so that it is looked into. */
function mutatedSafetensors(source: Buffer, random: Random): Buffer {
  if (random.int(2) === 0) return mutated(source, random);
  const length = Number(source.readBigUInt64LE());
  const header = mutated(source.subarray(8, 8 + length), random);
  const begin = Buffer.alloc(8);
  begin.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([begin, header, source.subarray(8 + length)]);
}

const weights = new Map(
  ['encoder.weight', 'encoder.bias', 'head.weight', 'none'].map((name, i) => [
    name,
    floatTensor([i, 3], new Float32Array(i * 3).fill(i)),
  ]),
);
const best = { step: 3, epoch: 1, value: 0.5, macroF1: 0.5, loss: 1 };
const state = { ...newRunState(), step: 3, epoch: 1, best };
const checkpointsIn = (dir: string) =>
  runCheckpoints(
    { run: { name: 'r', dir }, seed: 1, train: { keep_checkpoints: 0 } as never },
    { config_hash: 'c', data_hash: 'd', model_hash: 'm' },
  );

const rows: Readonly<Record<Exclude<Format, 'text'>, string>> = {
  csv: 'text,label\r\n"a ""quoted"" text\nof two lines",E\nplain,I\n,E\n"last, one",I',
  tsv: 'label\ttext\nE\tone\nI\t"two\ttabs"\n',
  jsonl: '{"text":"one","label":1}\n{"text":"t\\u0077o \\"q\\"","label":"I","more":[{"a":1}]}\n',
};

/** The same rows or the same failure, however the bytes come. AppError for what is refused, be it one row. */
async function readInPieces(format: Format, bytes: Buffer): Promise<void> {
  const read = (piece: number) =>
    readRows(format, bytes, { piece, others: ['label'], maxBytes: 5000 }).catch(
      (error: unknown) => {
        if (error instanceof AppError) return error;
        throw error;
      },
    );
  const whole = await read(1 << 20);
  const pieces = await read(1 + (bytes.length % 61));
  const told = [whole, pieces].map((one) =>
    one instanceof AppError ? one.message : one.map(({ line, cells }) => [line, String(cells)]),
  );
  if (JSON.stringify(told[0]) !== JSON.stringify(told[1])) {
    throw new Error(`read in pieces it is another: ${JSON.stringify(told)}`);
  }
  const rowsOf = whole instanceof AppError ? [whole] : whole.map(({ cells }) => cells);
  const refused = rowsOf.find((one) => one instanceof AppError);
  if (refused) throw refused;
}

const ofRows = (format: Exclude<Format, 'text'>): HostileKind => ({
  source: async () => Buffer.from(rows[format]),
  read: (bytes) => readInPieces(format, bytes),
  codes: ['data_invalid'],
});

const prediction = (text: string) =>
  JSON.stringify({
    time: '2026-01-01T00:00:00Z',
    labels: { 'E/I': 'E', 'S/N': 'N', 'T/F': 'T', 'J/P': 'P' },
    scores: { 'E/I': 0.9, 'S/N': 0.1, 'T/F': 0.9, 'J/P': 0.1 },
    text,
  });
const { config: defaults } = loadConfig({ env: {} });

export const hostileKinds: Readonly<Record<string, HostileKind>> = {
  safetensors: {
    source: async (folder) => {
      const path = join(folder, 'sound.safetensors');
      await writeSafetensors(path, weights, { format: 'pt' });
      return readFileSync(path);
    },
    read: (bytes, folder) => readSafetensors(file(folder, 'f.safetensors', bytes)),
    codes: ['data_invalid'],
  },
  checkpoint: {
    source: async (folder) => {
      const path = await checkpointsIn(folder).save('best', weights, state);
      return readFileSync(path);
    },
    read: (bytes, folder) => {
      file(join(folder, 'checkpoints'), 'best.safetensors', bytes);
      return loadBest(checkpointsIn(folder), state, { goesOn: true });
    },
    codes: ['data_invalid'],
  },
  'index of shards': {
    source: async () =>
      Buffer.from(
        '{"metadata":{"total_size":8},"weight_map":{"a":"m-1.safetensors","b":"m-2.safetensors"}}',
      ),
    read: async (bytes, folder) => {
      for (const name of shardsOf(file(folder, 'f.index.json', bytes))) {
        if (/[/\\]|^\.\.?$/.test(name)) throw new Error(`${name} is a path`);
      }
    },
    codes: ['data_invalid'],
  },
  configuration: {
    source: async () =>
      Buffer.from(
        JSON.stringify({
          seed: 7,
          task: {
            name: 't',
            text_column: 'x',
            axes: [{ name: 'a', labels: ['y', 'n'], column: 'c' }],
          },
          model: { base: { init: { dim: 64, n_heads: 4 } }, tokenizer: 'train' },
          train: { epochs: 2, learning_rate: 1e-4, pos_weight: [1.5] },
          security: { cors_origins: ['https://example.org'] },
        }),
      ),
    read: async (bytes, folder) => loadConfig({ file: file(folder, 'f.json', bytes), env: {} }),
    codes: ['config_invalid', 'config_missing'],
  },
  'JSON of other files': {
    source: async () => Buffer.from('{"a":[1,2.5e3,{"b":null,"c":"\\u00e9"}],"d":{"e":true}}'),
    read: async (bytes) => parseJson(bytes.toString('utf8'), { name: 'f' }),
    codes: ['data_invalid'],
  },
  CSV: ofRows('csv'),
  TSV: ofRows('tsv'),
  'JSON lines': ofRows('jsonl'),
  'a JSON array': {
    ...ofRows('jsonl'),
    source: async () => Buffer.from(`[${rows.jsonl.trim().replace('\n', ',\n')}]\n`),
  },
  'training data': {
    source: async () =>
      Buffer.from('type,posts\nINFP,"a text, that is long enough"\nESTJ,another long text\n'),
    read: async (bytes, folder) => {
      const source = file(folder, 'f.csv', bytes);
      await readExamples({ ...defaults, data: { ...defaults.data, source } });
    },
    codes: ['data_invalid'],
  },
  'a log of predictions': {
    source: async () => Buffer.from(`${prediction('one')}\n${prediction('"two",\n')}\n`),
    read: async (bytes, folder) => {
      const logs = [file(folder, 'f.jsonl', bytes)];
      const out = join(folder, 'out.csv');
      await trainingDataFromLog(defaults.task, { logs, out, minConfidence: 0 });
      rmSync(out);
    },
    codes: ['data_invalid'],
  },
};

const MOST_CHARACTERS = 20_000;
const ACTS_ON_TERMINAL = /(?!\n)\p{Cc}|\u202e|\n(?:error: forged| {4}at forged)/u;

/** What went otherwise than it may: a file is read, or refused in words that nothing of it stands in unescaped. */
export async function standsMutations(
  kind: HostileKind,
  folder: string,
  { seed, count }: { readonly seed: string; readonly count: number },
): Promise<{ readonly read: number; readonly refused: number }> {
  const source = await kind.source(folder);
  mkdirSync(join(folder, 'checkpoints'), { recursive: true });
  await kind.read(source, folder);
  const names = readdirSync(folder, { recursive: true }).sort().join();
  const outcome = { read: 0, refused: 0 };
  for (let i = 0; i < count; i++) {
    const random = new Random(seed, i);
    const isSafetensors = source.readUInt8(7) === 0 && source.length > 8;
    const bytes = isSafetensors ? mutatedSafetensors(source, random) : mutated(source, random);
    try {
      await kind.read(bytes, folder);
      outcome.read++;
    } catch (error) {
      requireRefusal(error, kind, `mutation ${i} of seed ${seed}`);
      outcome.refused++;
    }
    const now = readdirSync(folder, { recursive: true }).sort().join();
    if (now !== names) throw new Error(`mutation ${i} of seed ${seed} left ${now}`);
  }
  return outcome;
}

function requireRefusal(error: unknown, { codes }: HostileKind, place: string): void {
  if (!(error instanceof AppError)) throw new Error(`${place} was no AppError`, { cause: error });
  const { code, message, hint = '' } = error;
  const isSeen = [message, hint].every((text) => !ACTS_ON_TERMINAL.test(text));
  if (codes.includes(code) && isSeen && message.length <= MOST_CHARACTERS) return;
  throw new Error(`${place} gave ${code}: ${JSON.stringify(message.slice(0, 2000))}`, {
    cause: error,
  });
}
