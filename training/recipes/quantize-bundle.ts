import { join } from 'node:path';
import {
  type Bundle,
  type Manifest,
  modelFiles,
  type QuantizationMetrics,
  readBundle,
  TOKENIZER_FILE,
} from '../../src/bundle/index.ts';
import { type Config, loadConfig } from '../../src/config/index.ts';
import { AppError } from '../../src/errors.ts';
import { TextTokenizer } from '../../src/text/index.ts';
import { updateBundle } from '../bundle/index.ts';
import { readExamples, tokenizeExamples } from '../data/index.ts';
import type { QuantizedModel } from '../deploy/quantize/layer.ts';
import { quantizeModel, type Scheme } from '../deploy/quantize/quantize-model.ts';
import { encodeModel, readModel, requireOpset } from '../onnx/codec/index.ts';
import type { Model } from '../onnx/model.ts';
import { inPhase, type Screen, whileWaiting } from '../tracking/index.ts';
import {
  CALIBRATION_TEXTS,
  type Chosen,
  choose,
  type Deployed,
  fallbacks,
  metricsOf,
  type Place,
  placeOf,
} from './delivery/deploy.ts';
import { requireModest, requireServes, type Windows } from './delivery/servable.ts';
import { taskSettings } from './delivery/task-columns.ts';

interface Common {
  readonly keep: (layer: string) => boolean;
  /** `key=value` words: the limits, and how many texts. */
  readonly settings: readonly string[];
  readonly screen: Screen;
}

export interface FileCheck extends Common {
  /** A file of labelled texts. */
  readonly data: string;
  /** The bundle whose task, tokenizer and window the texts are read with. */
  readonly bundle: string;
  readonly scheme: Scheme;
}

/**
 * Quantizes a classifier and holds it to the `quantize.*` limits on the texts of a file. AppError as readExamples,
 * `quantization_refused` where it misses them.
 */
export async function quantizeFileChecked(
  model: Model,
  { data, bundle: dir, scheme, ...common }: FileCheck,
): Promise<Chosen> {
  const bundle = await readBundle(dir);
  await requireModest(model, windowsOf(bundle));
  return chosenOf(placeOf(scheme), model, await labelledTexts(bundle, data, common), common);
}

export interface BundleChange extends Common {
  readonly bundle: string;
  /** Left out: int8, else weight8; without texts weight8. */
  readonly scheme: Scheme | undefined;
  /** A file of labelled texts. Without it nothing is measured. */
  readonly data: string | undefined;
}

export interface ChangedBundle {
  readonly file: string;
  readonly metrics: QuantizationMetrics;
  readonly quantized: QuantizedModel;
  readonly manifest: Manifest;
}

/**
 * Makes or replaces the smaller file of a bundle from its fp32 graph; the manifest and the card follow, all at once.
 * AppError as readBundle and readExamples, `quantization_refused` where the file misses a limit, `model_invalid` where
 * it cannot be served: the bundle then stays as it was.
 */
export async function quantizeInto(change: BundleChange): Promise<ChangedBundle> {
  const bundle = await readBundle(change.bundle);
  const path = join(bundle.dir, modelFiles.fp32);
  const { screen } = change;
  const reading = { label: 'read', what: path };
  const model = await whileWaiting(screen, reading, () => readModel(path));
  requireOpset(model, path);
  const made = await (change.data === undefined
    ? unmeasured(model, change)
    : measured(model, bundle, change, change.data));
  const file = modelFiles[made.place.precision];
  const trying = { label: 'try', what: `${file}, as it is served` };
  await whileWaiting(screen, trying, () => requireServed(bundle, file, made.bytes));
  const manifest = await updateBundle(bundle, { [file]: made.bytes }, (before) =>
    withFile(before, made.place.precision, made.metrics),
  );
  return { file, metrics: made.metrics, quantized: made.quantized, manifest };
}

/** As a server tries it, before it is put in. */
async function requireServed(bundle: Bundle, file: string, bytes: Uint8Array) {
  await requireServes({ [file]: bytes }, windowsOf(bundle), 'the bundle stays as it was');
}

function windowsOf({ manifest, dir }: Bundle): Windows {
  const { task, max_length: maxLength } = manifest;
  const tokenizer = TextTokenizer.load(join(dir, TOKENIZER_FILE));
  return { tokenizer, maxLength, labels: task.axes.length };
}

/** A file that is to go into a bundle. */
interface Made {
  readonly place: Place;
  readonly bytes: Uint8Array;
  readonly metrics: QuantizationMetrics;
  readonly quantized: QuantizedModel;
}

async function measured(
  model: Model,
  bundle: Bundle,
  change: BundleChange,
  data: string,
): Promise<Made> {
  const { scheme } = change;
  // What is named is what is wanted; what is not may be the next best.
  const place = scheme === undefined ? placeOf('int8', fallbacks.int8) : placeOf(scheme);
  await requireModest(model, windowsOf(bundle));
  const texts = await labelledTexts(bundle, data, change);
  const chosen = await chosenOf(place, model, texts, change);
  return { place, ...chosen, metrics: metricsOf(chosen) };
}

/** Of what cannot be measured, the scheme whose answers lie nearest where nothing is chosen by measurement. */
const UNMEASURED: Scheme = 'weight8';

async function unmeasured(
  model: Model,
  { scheme = UNMEASURED, keep, screen }: BundleChange,
): Promise<Made> {
  const rounding = { label: 'quantize', what: `the fp32 file, ${scheme}` };
  const { quantized, bytes } = await whileWaiting(screen, rounding, () => {
    const quantized = quantizeModel(model, { scheme, keep });
    return { quantized, bytes: encodeModel(quantized.model) };
  });
  const size_ratio = bytes.length / encodeModel(model).length;
  const kept = quantized.kept.length === 0 ? {} : { fp32_layers: quantized.kept };
  screen.write(
    `warning    ${scheme} is not measured: without --data nothing says how far its answers lie from those in fp32\n`,
  );
  return { place: placeOf(scheme), bytes, quantized, metrics: { scheme, size_ratio, ...kept } };
}

/** What a manifest says once it has a smaller file. */
function withFile(
  manifest: Manifest,
  precision: Place['precision'],
  metrics: QuantizationMetrics,
): Manifest {
  const { left_out: before = {}, ...rest } = manifest;
  const { [modelFiles[precision]]: _, ...leftOut } = before;
  return {
    ...rest,
    metrics: { ...manifest.metrics, [precision]: metrics },
    ...(Object.keys(leftOut).length === 0 ? {} : { left_out: leftOut }),
  };
}

async function chosenOf(
  place: Place,
  model: Model,
  { config, ...texts }: LabelledTexts,
  { screen, keep }: Common,
): Promise<Chosen> {
  const { chosen, reasons } = await choose(place, { model, ...texts }, config, {
    screen,
    keep,
  });
  if (chosen) return chosen;
  throw new AppError('quantization_refused', reasons.join('\n'), {
    hint: 'try another --scheme, or allow more: quantize.min_agreement=…, max_mean_dp, max_dp, max_f1_drop',
  });
}

interface LabelledTexts extends Omit<Deployed, 'model'> {
  readonly config: Config;
}

/** Those that the bundle was trained on. */
const noColumns = { textColumn: undefined, labelColumn: undefined };

/** The texts of a file, as the bundle reads and cuts them. */
async function labelledTexts(
  { manifest, dir }: Bundle,
  data: string,
  { settings, screen }: Common,
): Promise<LabelledTexts> {
  const { task, max_length: maxLength } = manifest;
  const flags = { ...taskSettings(manifest, noColumns), 'data.source': data };
  const { config } = loadConfig({ flags, overrides: settings });
  const tokenizer = TextTokenizer.load(join(dir, TOKENIZER_FILE));
  const { examples } = await inPhase(screen, { label: 'read', unit: 'rows' }, (at) =>
    readExamples(config, tokenizer, at),
  );
  const total = examples.length;
  const tokenized = await inPhase(screen, { label: 'tokenize', unit: 'texts', total }, (at) =>
    tokenizeExamples(examples, tokenizer, at),
  );
  // The last ones calibrate, and are not measured.
  const rest = examples.length - Math.min(CALIBRATION_TEXTS, Math.floor(examples.length / 4));
  const batch = { maxLength, maxWindows: config.limits.max_windows, tokenizer };
  return {
    config,
    validation: { examples: tokenized.slice(0, rest), task, batch },
    calibration: tokenized.slice(rest),
  };
}
