import { join } from 'node:path';
import { readBundle, TOKENIZER_FILE } from '../../src/bundle/index.ts';
import { loadConfig } from '../../src/config/index.ts';
import { TextTokenizer } from '../../src/text/index.ts';
import { readExamples, tokenizeExamples } from '../data/index.ts';
import type { Model } from '../onnx/model.ts';
import type { Scheme } from '../rewrite/quantize/quantize-model.ts';
import { inPhase, type Screen, startPhase } from '../tracking/index.ts';
import { quantizedSummary } from './deploy.ts';
import { type CheckedModel, quantizeChecked } from './int8/quantize-checked.ts';
import { taskSettings } from './task-columns.ts';

export interface FileCheck {
  /** A file of labelled texts. */
  readonly data: string;
  /** The bundle whose task, tokenizer and window the texts are read with. */
  readonly bundle: string;
  readonly scheme: Scheme;
  readonly keep: (layer: string) => boolean;
  readonly screen: Screen;
}

/** Those that the bundle was trained on. */
const noColumns = { textColumn: undefined, labelColumn: undefined };

/** Of the texts, the last ones: ranges of activations are taken on them, and they are not measured. */
const CALIBRATION_TEXTS = 128;

/** Quantizes a classifier and holds it to the `quantize.*` limits on the texts of a file. AppError as readExamples. */
export async function quantizeFileChecked(
  model: Model,
  { data, bundle: dir, scheme, keep, screen }: FileCheck,
): Promise<CheckedModel> {
  const bundle = await readBundle(dir);
  const { task, max_length: maxLength } = bundle.manifest;
  const flags = { ...taskSettings(bundle.manifest, noColumns), 'data.source': data };
  const { config } = loadConfig({ flags });
  const { texts, ...limits } = config.quantize;
  const tokenizer = TextTokenizer.load(join(bundle.dir, TOKENIZER_FILE));
  const { examples } = await inPhase(screen, { label: 'read', unit: 'rows' }, (at) =>
    readExamples(config, tokenizer, at),
  );
  const held = Math.min(CALIBRATION_TEXTS, Math.floor(examples.length / 4));
  const measuring = startPhase(screen, { label: 'measure', unit: 'runs of a text' });
  let runs = 0;
  const onText = () => measuring.at(++runs);
  const served = (from: number, to: number) => ({
    examples: tokenizeExamples(examples.slice(from, to), tokenizer),
    task,
    batch: { maxLength, tokenizer },
    threads: config.runtime.threads,
    onText,
  });
  const rest = examples.length - held;
  const checked = await quantizeChecked(model, served(0, Math.min(texts, rest)), {
    scheme,
    limits,
    seed: config.seed,
    screen: measuring,
    keep,
    calibration: served(rest, examples.length),
  });
  measuring.end();
  screen.write(`${quantizedSummary(scheme, checked)}\n`);
  return checked;
}
