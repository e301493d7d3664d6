import { Random, stratifiedSplit } from '../../../training/data/index.ts';

/** A row of the source that is kept, and the part that it is meant to fall into. */
export interface Row {
  readonly text: string;
  /** 1 for the axis's first label. */
  readonly labels: Float32Array;
}

export type Part = 'train' | 'validation' | 'test';

export const parts = ['train', 'validation', 'test'] as const;

export interface JointCorpus {
  readonly csv: string;
  readonly rows: Readonly<Record<Part, readonly Row[]>>;
}

export const seed = 11;
export const fractions = { test: 0.2, validation: 0.35 } as const;

/** A row that is shorter is dropped; were one kept, all parts would be others. */
export const minLength = 40;

const COUNT = 250;

/**
 * What each part alone has: a word of letters that no other has; of eight tone words, how many say the first label of
 * both axes; and how often a label is wrong. So whatever is fitted to one part fits no other.
 */
const traits: Readonly<Record<Part, { mark: string; from: number; noise: number }>> = {
  train: { mark: 'amber', from: 4, noise: 0.05 },
  validation: { mark: 'жук', from: 3, noise: 0.2 },
  test: { mark: 'ζωή', from: 6, noise: 0.02 },
};

/** Words of each axis in a text. */
const TONES = 8;

const fillers = 'stone river table paper cloud window market bridge'.split(' ');
const tones = [
  ['lovely', 'grey'],
  ['huge', 'tiny'],
] as const;

/**
 * The source of a run of two skewed axes, mood and size. Labels decide the parts, so that the texts can be
 * written to suit each of them.
 */
export function jointCorpus(): JointCorpus {
  const random = new Random(3, 'labels');
  const labels = Array.from({ length: COUNT }, () =>
    Float32Array.of(random.chance(0.37) ? 1 : 0, random.chance(0.23) ? 1 : 0),
  );
  const split = stratifiedSplit(
    labels.map((own, index) => ({ labels: own, index })),
    seed,
    fractions,
  );
  const texts = new Array<string>(COUNT).fill('');
  for (const part of parts) {
    for (const { labels: own, index } of split[part]) texts[index] = textOf(part, index, own);
  }
  const cells = (own: Float32Array) => `${own[0] ? 'good' : 'bad'},${own[1] ? 'long' : 'short'}`;
  const lines = texts.map((text, index) => `${text},${cells(labels[index] as Float32Array)}`);
  const tooShort = ['a lovely one,good,long', 'grey and huge,bad,long', 'tiny stone,good,short'];
  const rowsOf = (part: Part) =>
    split[part].map(({ labels: own, index }) => ({ text: texts[index] as string, labels: own }));
  return {
    csv: `${['note,mood,size', ...tooShort, ...lines].join('\n')}\n`,
    rows: { train: rowsOf('train'), validation: rowsOf('validation'), test: rowsOf('test') },
  };
}

function textOf(part: Part, index: number, labels: Float32Array): string {
  const { mark, from, noise } = traits[part];
  const random = new Random(index, 'text');
  const said = tones.flatMap((pair, axis) => {
    const isFirst = (labels[axis] === 1) !== random.chance(noise);
    const count = isFirst ? from + random.int(TONES + 1 - from) : random.int(from);
    return Array.from({ length: TONES }, (_, i) => pair[i < count ? 0 : 1]);
  });
  const filled = Array.from({ length: 2 + random.int(6) }, () => random.pick(fillers));
  return [mark, ...random.shuffle([...said, ...filled])].join(' ');
}
