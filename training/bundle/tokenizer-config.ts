import { AppError } from '../../src/errors.ts';
import { parseJson } from '../../src/files/index.ts';

/**
 * A `tokenizer_config.json` whose `model_max_length` is the model's window, so that the ecosystem's pipelines cut
 * a text where our server begins another window, and not beyond the model's positions. AppError `data_invalid`.
 */
export function windowedTokenizer(
  config: string | Readonly<Record<string, unknown>>,
  maxLength: number,
): Record<string, unknown> {
  return { ...objectOf(config), model_max_length: maxLength };
}

function objectOf(config: string | Readonly<Record<string, unknown>>): object {
  if (typeof config !== 'string') return config;
  const value = parseJson(config, { name: 'tokenizer_config.json', mayRepeat: true });
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new AppError('data_invalid', 'tokenizer_config.json does not hold a JSON object');
}
