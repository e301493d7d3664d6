import { expect } from '@jest/globals';
import { AppError } from '../../../src/errors.ts';
import { untunedTask } from '../../../src/task/index.ts';
import { smallerFiles } from '../../../training/recipes/delivery/deploy.ts';
import { int8Problems } from '../../../training/recipes/delivery/int8/limits.ts';
import type { quantizeChecked } from '../../../training/recipes/delivery/int8/quantize-checked.ts';
import { learning, screen, WIDE_BASE } from './learning.ts';
import type { Row } from './row.ts';

const { load, compiled } = learning();

/** Every limit as wide as it goes. */
const wide = {
  min_agreement: 0,
  max_mean_dp: 1,
  max_dp: 1,
  max_f1_drop: 1,
};

/** What a measurement finds, a little of everything. */
const measured = {
  texts: 20,
  decisions: 20,
  agreement: 0.8,
  mean_dp: 0.04,
  max_dp: 0.3,
  macro_f1_change: -0.2,
  macro_f1_interval: [-0.3, 0] as const,
  size_ratio: 0.3,
};

/** Says what it was given limits for: the measurement itself is tested with real files. */
const check: typeof quantizeChecked = async (_model, _texts, { limits, plain }) => {
  if (!plain) throw new Error('the candidate was not made');
  const problems = int8Problems(measured, limits);
  const refusal = new AppError('quantization_refused', problems.join('; '));
  const found = { ...plain, metrics: measured, harms: [] };
  return problems.length === 0 ? found : { ...found, refusal };
};

/** Why a run's 8-bit file is left out; undefined where it is taken. */
async function leftOut(limit: keyof typeof wide, value: number): Promise<string | undefined> {
  const limits = { ...wide, [limit]: value };
  const words = Object.entries(limits).map(([name, bound]) => `quantize.${name}=${bound}`);
  const { config } = load('quantize.max_size_ratio=1', 'quantize.scheme=weight8', ...words);
  const { base, data } = await compiled(WIDE_BASE);
  const batch = { maxLength: 16, maxWindows: 2, tokenizer: data.words.tokenizer };
  const task = untunedTask(config.task, 'none');
  const validation = { examples: data.validation, task, batch };
  const deployed = { model: base.model, validation, calibration: [] };
  return (await smallerFiles(deployed, config, screen, check)).leftOut['onnx/model_quantized.onnx'];
}

function limitRow(limit: keyof typeof wide, what: string, value: number): Row {
  return {
    key: `quantize.${limit}`,
    effect: `leaves out a file ${what}`,
    see: async () => {
      expect(await leftOut(limit, value)).toContain(`quantize.${limit} is ${value}`);
      expect(await leftOut(limit, wide[limit])).toBeUndefined();
    },
  };
}

/** What a smaller file is held to. */
export const quantizeRows: readonly Row[] = [
  limitRow('min_agreement', 'that decides otherwise too often', 0.9),
  limitRow('max_mean_dp', 'whose probabilities lie too far off', 0.03),
  limitRow('max_dp', 'one of whose probabilities lies too far off', 0.2),
  limitRow('max_f1_drop', 'that loses too much of macro-F1', 0.1),
];
