import { AppError } from '../../src/errors.ts';
import type { Value } from '../onnx/graph.ts';
import { elementCount } from '../onnx/tensor.ts';
import type { CompileOptions } from './options.ts';
import type { PreparedModel } from './prepare.ts';

/**
 * The float32 initializers that may be parameters. One number is a constant (a scale, an epsilon), unless
 * it is named as a module's bias or weight.
 */
export function candidates({ model, headParameters }: PreparedModel): Value[] {
  return model.graph.initializers.filter((value) => {
    if (value.initializer?.type !== 'float32') return false;
    if (headParameters.includes(value)) return true;
    const count = elementCount(value.initializer.dims);
    return count > 1 || (count === 1 && /\.(weight|bias)$/.test(value.name));
  });
}

/** The candidates that the options train. AppError `config_invalid` for a pattern that matches nothing. */
export function selected(
  values: readonly Value[],
  { trainable, frozen }: Pick<CompileOptions, 'trainable' | 'frozen'>,
): Value[] {
  const isTrainable = matcher(values, trainable ?? [], 'trainable');
  const isFrozen = matcher(values, frozen ?? [], 'freeze');
  const kept = values.filter(
    ({ name }) => (trainable === undefined || isTrainable(name)) && !isFrozen(name),
  );
  if (kept.length === 0) {
    throw new AppError(
      'config_invalid',
      `none of the graph's ${values.length} parameters is to be trained`,
      { hint: 'a base needs float32 weights, and not all of them may be frozen' },
    );
  }
  return kept;
}

function matcher(
  values: readonly Value[],
  patterns: readonly string[],
  option: string,
): (name: string) => boolean {
  const expressions = patterns.map(globExpression);
  for (const [i, expression] of expressions.entries()) {
    if (values.some(({ name }) => expression.test(name))) continue;
    const example = values.find(({ name }) => name.includes('.'))?.name ?? values[0]?.name ?? '';
    throw new AppError(
      'config_invalid',
      `${option}: the pattern "${patterns[i]}" matches none of the graph's parameters`,
      { hint: `* stands for any characters; a parameter's name is, for example, ${example}` },
    );
  }
  return (name) => expressions.some((expression) => expression.test(name));
}

function globExpression(pattern: string): RegExp {
  const parts = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`);
}
