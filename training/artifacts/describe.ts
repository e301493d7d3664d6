import { packageVersion } from '../../src/package-root.ts';
import type { Value } from '../onnx/graph.ts';
import type { Model } from '../onnx/model.ts';
import { adamWDefaults, lossScaling } from '../optim/index.ts';
import type { CompiledArtifacts } from './compile.ts';

export const ARTIFACTS_VERSION = 1;

/** The files of the artifacts folder. */
export const artifactFiles = {
  training: 'training_model.onnx',
  evaluation: 'eval_model.onnx',
  optimizer: 'optimizer_model.onnx',
  loop: 'train_loop.onnx',
  checkpoint: 'checkpoint.safetensors',
  description: 'artifacts.json',
} as const;

/** The part that a name's ending, or the name itself, tells; whatever is left is a parameter. */
const roles: readonly (readonly [RegExp, string])[] = [
  [/^labels$/, 'labels'],
  [/^loss$/, 'loss'],
  [/^logits$/, 'logits'],
  [/^losses$/, 'losses'],
  [/^learning_rate$/, 'learning_rate'],
  [/^learning_rates$/, 'learning_rates'],
  [/^step(\.out)?$/, 'step'],
  [/^loss_scale(\.out)?$/, 'loss_scale'],
  [/^good_steps(\.out)?$/, 'good_steps'],
  [/^grad_norm$/, 'grad_norm'],
  [/^grad_norms$/, 'grad_norms'],
  [/\.exp_avg_sq(\.out)?$/, 'exp_avg_sq'],
  [/\.exp_avg(\.out)?$/, 'exp_avg'],
  [/\.grad$/, 'gradient'],
];

function roleOf(name: string, inputs: readonly string[]): string {
  if (inputs.includes(name)) return 'input';
  return roles.find(([pattern]) => pattern.test(name))?.[1] ?? 'parameter';
}

/** The contents of artifacts.json. */
export function describeArtifacts(
  compiled: Omit<CompiledArtifacts, 'description'>,
  dropoutPlaces: readonly string[],
): object {
  const { options, parameters, inputs } = compiled;
  const logits = compiled.evaluation.graph.find('logits');
  const valueInfo = ({ name, type, shape }: Value) => ({
    name,
    type,
    shape: shape?.map((dim) => (typeof dim === 'number' ? dim : String(dim))),
    role: roleOf(name, inputs),
  });
  const modelInfo = (kind: 'training' | 'evaluation' | 'optimizer' | 'loop') => {
    const { graph, irVersion }: Model = compiled[kind];
    return {
      file: artifactFiles[kind],
      opset: graph.opset,
      ir_version: irVersion,
      inputs: graph.inputs.map(valueInfo),
      outputs: graph.outputs.map(valueInfo),
    };
  };
  return {
    format_version: ARTIFACTS_VERSION,
    producer: { name: 'mbti-onnx', version: packageVersion },
    models: {
      training_model: modelInfo('training'),
      eval_model: modelInfo('evaluation'),
      optimizer_model: modelInfo('optimizer'),
      train_loop: modelInfo('loop'),
    },
    checkpoint: artifactFiles.checkpoint,
    parameters: parameters.map(({ name, shape, decay, initializer }) => ({
      name,
      shape,
      decay_group: decay ? 'decay' : 'no_decay',
      initializer,
    })),
    untrained: compiled.untrained,
    notes: compiled.notes,
    hyper_parameters: {
      head: options.head,
      labels: options.labels ?? logits?.shape?.at(-1),
      loss: 'bce_with_logits',
      pos_weight: options.posWeight ?? null,
      dropout: options.dropout,
      dropout_places: dropoutPlaces,
      optimizer: 'adamw',
      betas: [adamWDefaults.beta1, adamWDefaults.beta2],
      epsilon: adamWDefaults.epsilon,
      weight_decay: options.weightDecay,
      max_grad_norm: options.maxGradNorm,
      accumulate: options.accumulate ?? 1,
      precision: options.precision ?? 'fp32',
      loss_scale: options.precision === 'fp16' ? lossScaling : null,
      seed: options.seed,
    },
  };
}
