import { type Manifest, type MetricSet, modelFiles } from '../../src/bundle/index.ts';
import { MBTI } from '../../src/task/index.ts';

/** What a model card says that the manifest does not know. */
export interface CardFacts {
  /** SPDX name or words: `CC0-1.0`. */
  readonly dataLicense?: string;
  /** What the model was trained on, one or more sentences. */
  readonly dataDescription?: string;
  /** The command line that trains it again. */
  readonly command?: string;
}

/** The bundle's README.md: a model card in the Hugging Face layout, its numbers from the manifest. */
export function modelCard(manifest: Manifest, facts: CardFacts = {}): string {
  const sections = [
    frontMatter(),
    `# ${manifest.name}`,
    summary(manifest),
    measured(manifest),
    calibration(manifest),
    parity(manifest, 'int8', 'CPU'),
    parity(manifest, 'fp16', 'GPU'),
    leftOut(manifest),
    data(manifest, facts),
    use(manifest),
    limits(manifest),
    reproduction(manifest, facts),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function frontMatter(): string {
  return [
    '---',
    'library_name: transformers.js',
    'pipeline_tag: text-classification',
    'tags: [onnx, text-classification, multi-label]',
    '---',
  ].join('\n');
}

function summary({ task, max_length: maxLength, version, created }: Manifest): string {
  const axes = task.axes.map(({ name, labels }) => `${name} (${labels.join(' or ')})`);
  return (
    `A text classifier for the task **${task.name}**: ${axes.join(', ')}. ` +
    `It reads windows of ${maxLength} tokens; a longer text is scored in windows and averaged. ` +
    `Version \`${version}\`, written ${created}.`
  );
}

function measured({ metrics, baselines, task }: Manifest): string {
  const rows: (readonly [string, MetricSet])[] = [];
  if (metrics?.test) rows.push(['this model, test', metrics.test]);
  if (metrics?.validation) rows.push(['this model, validation', metrics.validation]);
  rows.push(...Object.entries(baselines ?? {}));
  if (rows.length === 0) return '';
  const axes = task.axes.map(({ name }) => name);
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    '## Measured',
    '',
    'Accuracy / macro-F1 / log loss, as the server answers: whole texts, all their windows. Judge the model by how far it',
    'stands above the baselines; a log loss above theirs means that the probabilities are worth less than none.',
    '',
    line(['', ...axes, 'average']),
    line(['---', ...axes.map(() => '---'), '---']),
    ...rows.map(([name, set]) =>
      line([name, ...axes.map((axis) => pair(set.axes[axis])), pair(set.average)]),
    ),
  ].join('\n');
}

function pair(values: Readonly<Record<string, number>> | undefined): string {
  // A number that is none is null in JSON.
  const show = (value?: number | null) => value?.toFixed(3) ?? '–';
  return `${show(values?.accuracy)} / ${show(values?.macro_f1)} / ${show(values?.log_loss)}`;
}

/** What the temperatures change. */
function calibration({ metrics, task }: Manifest): string {
  const before = metrics?.uncalibrated?.test;
  if (before === undefined) return '';
  const after = metrics?.test;
  const rows = task.axes.map(({ name, temperature }) => {
    const change = (figure: string) =>
      [before, after].map((set) => set?.axes[name]?.[figure]?.toFixed(3) ?? '–').join(' → ');
    return `| ${name} | ${temperature.toFixed(3)} | ${change('log_loss')} | ${change('ece')} |`;
  });
  return [
    '## Calibration',
    '',
    "The server divides each axis's logit by a temperature, fitted on the validation texts, before it takes the sigmoid.",
    'Programs that load the graph themselves have to do so too. On the test texts, without and with it:',
    '',
    '| | temperature | log loss | ECE |',
    '| --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

/** How a smaller file answers beside the fp32 one, and what it is served on. */
function parity({ metrics }: Manifest, precision: 'int8' | 'fp16', servedOn: string): string {
  const found = metrics?.[precision];
  if (found === undefined) return '';
  const { macro_f1_change: change, macro_f1_interval: interval, texts, fp32_layers: kept } = found;
  const { scheme, agreement, mean_dp: mean, max_dp: most } = found;
  const figure = (what: string, value: number | undefined) =>
    value === undefined ? [] : [[what, value.toFixed(4)]];
  const rows = [
    ...(scheme === undefined ? [] : [['weights', schemeWords[scheme] ?? scheme]]),
    ...figure('same decisions', agreement),
    ...figure('mean difference of probability', mean),
    ...figure('largest difference of probability', most),
    ...(change === undefined ? [] : [['change of macro-F1', signed(change)]]),
    ...(interval === undefined ? [] : [['its 95 % interval', interval.map(signed).join(' to ')]]),
    ['size of the file', found.size_ratio.toFixed(3)],
  ];
  const where = texts === undefined ? '' : `, measured on ${texts} texts`;
  const unmeasured =
    agreement === undefined
      ? ' **It was not measured**: how far its answers lie from those in fp32 is not known.'
      : '';
  return [
    `## ${precision}`,
    '',
    `\`${modelFiles[precision]}\` beside \`${modelFiles.fp32}\`${where}; a server on a ${servedOn} uses it.${unmeasured}`,
    '',
    `| ${precision} against fp32 | |`,
    '| --- | --- |',
    ...rows.map(([what, value]) => `| ${what} | ${value} |`),
    ...(kept?.length ? ['', `Computed in fp32, by measurement: ${kept.join(', ')}.`] : []),
  ].join('\n');
}

/** How a scheme rounds, for a reader of the card. */
const schemeWords: Readonly<Record<string, string>> = {
  int8: 'int8: a scale for each column, activations uint8',
  weight8: 'weight8: blocks of 8 bits, MatMulNBits of ONNX Runtime',
  weight4: 'weight4: blocks of 4 bits, MatMulNBits of ONNX Runtime',
  fp16: 'float16',
};

/** Why a smaller file that was wanted is not there. */
function leftOut({ left_out: reasons }: Manifest): string {
  const lines = Object.entries(reasons ?? {}).map(([file, why]) => `- \`${file}\`: ${why}`);
  return lines.length === 0 ? '' : ['## Not in this bundle', '', ...lines].join('\n');
}

const signed = (x: number): string => `${x < 0 ? '−' : '+'}${Math.abs(x).toFixed(4)}`;

function data(manifest: Manifest, { dataDescription, dataLicense }: CardFacts): string {
  const lines = [
    ...(dataDescription === undefined ? [] : [dataDescription]),
    `Licence of the data: ${dataLicense ?? 'not stated'}.`,
    `sha256 of the data: \`${manifest.data_hash}\`.`,
  ];
  return ['## Data', '', ...lines].join('\n');
}

function use({ name }: Manifest): string {
  return [
    '## Use',
    '',
    '```sh',
    `npx mbti-serve --model models/${name}`,
    `curl -X POST localhost:8000/predict -H 'content-type: application/json' -d '{"text":"…"}'`,
    '```',
  ].join('\n');
}

function limits({ task }: Manifest): string {
  const general = [
    'Scores are statements about texts like those it was trained on, not about people.',
    'Not for hiring, promotion, credit, insurance, admission or any other decision about a person.',
    'Not for diagnosis, nor for medical or psychological advice.',
  ];
  const mbti = [
    'The Myers-Briggs types are self-reported and of disputed validity; the corpus is one forum, in English, far from balanced.',
  ];
  const lines = task.name === MBTI ? [...general, ...mbti] : general;
  return ['## Limits and misuse', '', ...lines.map((line) => `- ${line}`)].join('\n');
}

function reproduction(manifest: Manifest, { command }: CardFacts): string {
  const packages = Object.entries(manifest.packages).map(([name, v]) => `${name} ${v}`);
  return [
    '## How to reproduce it',
    '',
    ...(command === undefined ? [] : ['```sh', command, '```', '']),
    `Configuration \`${manifest.config_hash}\`, data \`${manifest.data_hash}\`${
      manifest.git_commit === undefined ? '' : `, commit \`${manifest.git_commit}\``
    }; ${packages.join(', ')}.`,
  ].join('\n');
}
