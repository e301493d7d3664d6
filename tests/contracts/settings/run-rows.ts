import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { readBundle } from '../../../src/bundle/index.ts';
import { type FineTuneOptions, fineTune } from '../../../training/recipes/fine-tune.ts';
import { inFolder, learning, WIDE_BASE } from './learning.ts';
import { once, type Row } from './row.ts';

const shared = learning();

/** Threads of this process, as Linux lists them. */
const threadCount = (): number =>
  process.platform === 'linux' ? readdirSync('/proc/self/task').length : 0;

/** Trains in this process; what was logged, shown and left behind. */
async function trained(name: string, ...words: string[]) {
  const [dir, out] = [inFolder(shared, `runs/${name}`), inFolder(shared, `models/${name}`)];
  const loaded = shared.load(`run.dir=${dir}`, `model.out=${out}`, ...words);
  let [shown, threads] = ['', 0];
  const options: FineTuneOptions = {
    screen: {
      write: (text) => {
        shown += text;
        if (text.includes('training loss')) threads = threadCount();
      },
    },
    verbose: false,
    stop: new AbortController().signal,
  };
  const error: unknown = await fineTune(loaded, options).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  const lines = readFileSync(join(dir, 'log.jsonl'), 'utf8').trim().split('\n');
  const log: Record<string, unknown>[] = lines.map((line) => JSON.parse(line));
  const of = (kind: string, field: string) =>
    log.filter(({ event }) => event === kind).map((entry) => entry[field]);
  return { dir, out, shown, error, of, threads, manifest: (await readBundle(out)).manifest };
}

/** Two epochs of six updates. */
const whole = once(() =>
  trained(
    'whole',
    WIDE_BASE,
    ...['train.epochs=2', 'train.batch_size=6', 'train.max_length=10', 'train.schedule=constant'],
    ...['train.learning_rate=0.01', 'train.warmup_steps=4', 'train.best_metric=accuracy'],
    ...['train.evaluate_every=5', 'train.checkpoint_every=4', 'train.keep_checkpoints=2'],
    ...['quantize.scheme=weight8', 'quantize.fp16=yes', 'quantize.texts=5', 'explain.steps=3'],
    ...['quantize.max_size_ratio=1', 'quantize.min_agreement=0', 'quantize.max_mean_dp=1'],
    ...['quantize.max_f1_drop=1', 'explain.method=integrated_gradients'],
  ),
);

/** Four updates of a schedule for four, with smoothed labels. */
const short = once(() =>
  trained(
    'short',
    WIDE_BASE,
    ...['train.max_steps=4', 'train.label_smoothing=0.4', 'train.learning_rate=0.01'],
    ...['train.warmup_steps=0', 'train.batch_size=6', 'train.max_length=10'],
    ...['quantize.scheme=none', 'explain.method=none'],
  ),
);

/** One that gets worse and worse, and whose 8-bit file is too large. */
const hasty = once(() =>
  trained(
    'hasty',
    ...['train.patience=2', 'train.learning_rate=0.5', 'train.epochs=60', 'train.warmup_steps=0'],
    ...['train.schedule=constant', 'quantize.required=true', 'quantize.max_size_ratio=0.001'],
    ...['explain.method=gradient_x_input'],
    WIDE_BASE,
  ),
);

const timed = once(() =>
  trained(
    'timed',
    ...[WIDE_BASE, 'train.max_minutes=0.000001', 'quantize.scheme=none', 'runtime.threads=7'],
  ),
);

const explainFile = ({ out }: { readonly out: string }) => join(out, 'onnx/explain.onnx');
const explains = (run: { readonly out: string }) =>
  readFileSync(explainFile(run)).toString('latin1');

/** How it is trained, and what is made of it. */
export const runRows: readonly Row[] = [
  {
    key: 'run.name',
    effect: 'is the folder of the run and of the bundle where these are not named',
    see: () => {
      const { run, model } = shared.load('run.name=second').config;
      expect([run.dir, model.out]).toEqual(['runs/second', 'models/second']);
    },
  },
  {
    key: 'run.dir',
    effect: 'is where configuration, artifacts, log and checkpoints are written',
    see: async () => {
      const { dir } = await whole();
      const names = ['artifacts', 'checkpoints', 'config.json', 'log.jsonl', 'metrics.json'];
      expect(readdirSync(dir)).toEqual(expect.arrayContaining(names));
    },
  },
  {
    key: 'model.out',
    effect: 'is where the bundle is written, whose name it gives',
    see: async () => {
      const { manifest } = await whole();
      expect(manifest.name).toBe('whole');
    },
  },
  {
    key: 'train.epochs',
    effect: 'is how often the training texts are gone through',
    see: async () => {
      const epochs = (await whole()).of('step', 'epoch');
      expect(epochs).toEqual([1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2]);
    },
  },
  {
    key: 'train.max_steps',
    effect: 'ends training after so many updates',
    see: async () => expect((await short()).of('step', 'step')).toEqual([1, 2, 3, 4]),
  },
  {
    key: 'train.batch_size',
    effect: 'is the number of texts of an update: 36 make six of six',
    see: async () => {
      const { of } = await whole();
      expect(of('step', 'epoch').filter((epoch) => epoch === 1)).toHaveLength(6);
    },
  },
  {
    key: 'train.max_length',
    effect: 'is the length that windows are cut to, in training and in serving',
    see: async () => {
      const { of, manifest } = await whole();
      expect(of('step', 'tokens')).toEqual(new Array(12).fill(6 * 10));
      expect(manifest.max_length).toBe(10);
    },
  },
  {
    key: 'train.learning_rate',
    effect: 'is the rate of updates behind the warm-up',
    see: async () => expect((await whole()).of('step', 'learning_rate').at(5)).toBe(0.01),
  },
  {
    key: 'train.warmup_steps',
    effect: 'is how many updates the rate takes to its peak',
    see: async () => {
      const rates = (await whole()).of('step', 'learning_rate').slice(0, 5);
      expect(rates).toEqual([0.0025, 0.005, 0.0075, 0.01, 0.01]);
    },
  },
  {
    key: 'train.schedule',
    effect: 'keeps the rate, or lowers it in a line',
    see: async () => {
      expect((await whole()).of('step', 'learning_rate').at(-1)).toBe(0.01);
      expect((await short()).of('step', 'learning_rate')).toEqual([0.01, 0.0075, 0.005, 0.0025]);
    },
  },
  {
    key: 'train.label_smoothing',
    effect: 'draws targets to the middle: the same first batch of the same model has another loss',
    see: async () => {
      const [smooth, hard] = [await short(), await whole()];
      const [[a], [b]] = [smooth.of('step', 'loss'), hard.of('step', 'loss')];
      expect(Math.abs(Number(a) - Number(b))).toBeGreaterThan(1e-6);
      expect(smooth.of('step', 'tokens')[0]).toBe(hard.of('step', 'tokens')[0]);
    },
  },
  {
    key: 'train.evaluate_every',
    effect: 'is how many updates lie between validations; one more follows the last',
    see: async () => expect((await whole()).of('validation', 'step')).toEqual([5, 10, 12]),
  },
  {
    key: 'train.checkpoint_every',
    effect: 'is how many updates lie between checkpoints',
    see: async () => {
      const kept = readdirSync(join((await whole()).dir, 'checkpoints'));
      expect(kept).toEqual(expect.arrayContaining(['step-8.safetensors', 'step-12.safetensors']));
    },
  },
  {
    key: 'train.keep_checkpoints',
    effect: 'is how many are kept under their step, the newest',
    see: async () => {
      const steps = async (run: { readonly dir: string }) =>
        readdirSync(join(run.dir, 'checkpoints')).filter((name) => name.startsWith('step-'));
      expect(await steps(await whole())).toHaveLength(2);
      expect(await steps(await short())).toEqual([]);
    },
  },
  {
    key: 'train.max_minutes',
    effect: 'ends training when the time is up, after one update at least',
    see: async () => {
      const { of } = await timed();
      expect(of('step', 'step')).toEqual([1]);
      expect(of('end', 'reason')).toEqual([expect.stringContaining('train.max_minutes')]);
    },
  },
  {
    key: 'train.best_metric',
    effect: 'is the number that the best state is chosen by',
    see: async () => {
      const { dir, shown } = await whole();
      const { best } = JSON.parse(readFileSync(join(dir, 'metrics.json'), 'utf8'));
      // Of twelve texts.
      expect(best.value * 12).toBeCloseTo(Math.round(best.value * 12), 9);
      expect(shown).toMatch(/the best so far by accuracy/);
    },
  },
  {
    key: 'train.patience',
    effect: 'ends training after so many validations without a better one',
    see: async () => {
      const { of } = await hasty();
      expect(of('validation', 'best').slice(-3)).toEqual([true, false, false]);
      expect(of('end', 'reason')).toEqual([expect.stringMatching(/^2 validations .*patience/)]);
    },
  },
  {
    key: 'runtime.threads',
    effect: 'is the number of threads that the graphs of training are run by',
    instead: 'Linux alone lists the threads of a process; elsewhere the row passes',
    see: async () => {
      // Whatever else begins threads of its own has begun them in the first of these runs.
      const [, one, seven] = [await whole(), await short(), await timed()];
      // Two graphs, each with the calling thread and six more.
      if (process.platform === 'linux') expect(seven.threads - one.threads).toBe(2 * 6);
    },
  },
  {
    key: 'explain.method',
    effect: 'is how the bundle explains, or that it does not',
    see: async () => {
      expect(existsSync(explainFile(await short()))).toBe(false);
      // Both with as many steps.
      const [integrated, product] = [explains(await timed()), explains(await hasty())];
      expect(integrated.length).not.toBe(product.length);
    },
  },
  {
    key: 'explain.steps',
    effect: 'is how many points the path of integrated gradients has, at most',
    see: async () => {
      const many = await timed();
      expect(explains(await whole()).length).not.toBe(explains(many).length);
    },
  },
  {
    key: 'quantize.scheme',
    effect: 'is how the 8-bit file is rounded, or that there is none',
    see: async () => {
      expect((await whole()).manifest.metrics?.int8?.scheme).toBe('weight8');
      const { manifest } = await short();
      expect(Object.keys(manifest.files)).not.toContain('onnx/model_quantized.onnx');
      expect(manifest.left_out).toBeUndefined();
    },
  },
  {
    key: 'quantize.fp16',
    effect: 'puts a float16 file into the bundle; auto does so for GPUs alone',
    see: async () => {
      const has = (files: object) => Object.keys(files).includes('onnx/model_fp16.onnx');
      expect(has((await whole()).manifest.files)).toBe(true);
      expect(has((await short()).manifest.files)).toBe(false);
    },
  },
  {
    key: 'quantize.texts',
    effect: 'is how many validation texts the smaller files are measured on',
    see: async () => expect((await whole()).manifest.metrics?.int8?.texts).toBe(5),
  },
  {
    key: 'quantize.max_size_ratio',
    effect: 'leaves out a file that saves too little',
    see: async () => {
      const { manifest } = await hasty();
      expect(manifest.left_out?.['onnx/model_quantized.onnx']).toMatch(
        /quantize\.max_size_ratio is 0\.001/,
      );
    },
  },
  {
    key: 'quantize.required',
    effect: 'makes a run fail whose bundle lacks such a file',
    see: async () => {
      expect((await hasty()).error).toMatchObject({ code: 'quantization_refused' });
      expect((await whole()).error).toBeUndefined();
    },
  },
];
