/** Rows of a split, and of each label of each axis in it. */
interface Counts {
  readonly rows: number;
  readonly labels: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

type SplitName = 'train' | 'validation' | 'test';

/** Below these a figure says little: the one place that knows. */
const fewest = {
  /** Texts of a split. */
  rows: { train: 200, validation: 100, test: 100 },
  /** Texts of one label in a split: recall and F1 of a label stand on them, and the threshold. */
  label: { train: 30, validation: 10, test: 10 },
} as const satisfies Record<string, Record<SplitName, number>>;

/** Above this share of one label accuracy says little: the majority class alone has it. */
const LARGEST_SHARE = 0.95;

/** The accuracy whose interval is given as an example. */
const EXAMPLE = 0.8;

/** The 97.5 % quantile of the normal distribution. */
const Z = 1.959964;

/**
 * The 95 % interval of a share that was seen in so many trials (Wilson 1927, "Probable Inference, the Law of
 * Succession, and Statistical Inference").
 */
export function wilsonInterval(share: number, trials: number): readonly [number, number] {
  if (trials === 0) return [0, 1];
  const z2 = Z ** 2 / trials;
  const centre = (share + z2 / 2) / (1 + z2);
  const reach = (Z * Math.sqrt((share * (1 - share)) / trials + z2 / (4 * trials))) / (1 + z2);
  return [Math.max(0, centre - reach), Math.min(1, centre + reach)];
}

/**
 * Where the figures of a run cannot mean what they seem to: splits and labels of few texts, a label that is missing,
 * a majority of nearly all. One sentence each; none where all is well.
 */
export function dataWarnings(splits: Partial<Readonly<Record<SplitName, Counts>>>): string[] {
  return (['train', 'validation', 'test'] as const).flatMap((name) => {
    const split = splits[name];
    return split === undefined ? [] : [...fewRows(name, split), ...fewOfLabels(name, split)];
  });
}

const percent = (share: number): string => (100 * share).toFixed(0);

function fewRows(name: SplitName, { rows }: Counts): string[] {
  if (rows >= fewest.rows[name]) return [];
  if (name === 'train') {
    return [`only ${texts(rows)} to learn from: expected ${fewest.rows.train} at least`];
  }
  const [low, high] = wilsonInterval(EXAMPLE, rows);
  return [
    `the ${name} split has only ${texts(rows)}: an accuracy of ${percent(EXAMPLE)} % on them stands for ` +
      `anything from ${percent(low)} to ${percent(high)} % (95 % interval)`,
  ];
}

/** Labels that are rare in a split, in one sentence, and those that it lacks, in another. */
function fewOfLabels(name: SplitName, { rows, labels }: Counts): string[] {
  const all = Object.entries(labels).flatMap(([axis, counts]) =>
    Object.entries(counts).map(([label, count]) => ({ axis, label, count })),
  );
  const absent = all.filter(({ count }) => count === 0);
  const rare = all.filter(({ count }) => count > 0 && count < fewest.label[name]);
  const { missing, few } = means[name];
  return [
    ...(absent.length === 0
      ? []
      : [`the ${name} split has no text labelled ${listed(absent, nameOf)}: ${missing}`]),
    ...(rare.length === 0
      ? []
      : [
          `the ${name} split has only ${listed(rare, countOf)}: expected ${fewest.label[name]} of each at least, ${few}`,
        ]),
    ...(name === 'train'
      ? Object.entries(labels).flatMap(([axis, counts]) => extremeShare(axis, counts, rows))
      : []),
  ];
}

interface LabelCount {
  readonly axis: string;
  readonly label: string;
  readonly count: number;
}

const texts = (count: number): string => `${count} text${count === 1 ? '' : 's'}`;
const nameOf = ({ axis, label }: LabelCount): string => `${label} (${axis})`;
const countOf = (one: LabelCount): string => `${texts(one.count)} labelled ${nameOf(one)}`;

const MOST_LISTED = 8;

function listed(labels: readonly LabelCount[], word: (one: LabelCount) => string): string {
  const more = labels.length - MOST_LISTED;
  const words = labels.slice(0, MOST_LISTED).map(word).join(', ');
  return more > 0 ? `${words} and ${more} more like these` : words;
}

const means: Readonly<Record<SplitName, Readonly<Record<'missing' | 'few', string>>>> = {
  train: { missing: 'it cannot be learnt', few: 'to be learnt' },
  validation: {
    missing: 'no threshold can be tuned on it, and the best state is not told by it',
    few: 'because thresholds and the choice of the best state rest on them',
  },
  test: {
    missing: 'recall and F1 of it cannot be measured',
    few: 'because recall and F1 rest on them',
  },
};

function extremeShare(axis: string, counts: Readonly<Record<string, number>>, rows: number) {
  return Object.entries(counts).flatMap(([label, count]) => {
    if (count / rows <= LARGEST_SHARE || count === rows) return [];
    return [
      `${percent(count / rows)} % of the training texts are labelled ${label} (${axis}): whoever always says ${label} has ` +
        'that accuracy; look at macro-F1 beside the majority class, and at train.pos_weight=balanced',
    ];
  });
}
