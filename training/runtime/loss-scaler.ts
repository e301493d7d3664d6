import { AppError } from '../../src/errors.ts';
import type { CompiledArtifacts } from '../artifacts/index.ts';
import { floatTensor, numbersOf, type Tensor } from '../onnx/tensor.ts';
import { initialLossScale, type LossScale } from '../optim/index.ts';
import { Tensor as OrtTensor } from './onnxruntime.ts';

/** The names of its numbers in an executor's state; no parameter is called so. */
const names: Readonly<Record<keyof LossScale, string>> = {
  scale: 'loss_scale',
  goodSteps: 'loss_scale.good_steps',
  updates: 'loss_scale.updates',
};
const entries = Object.entries(names) as [keyof LossScale, string][];

/** Holds the loss scale of artifacts whose training graph takes one. */
export class LossScaler {
  now: LossScale = initialLossScale;

  static of({ options }: Pick<CompiledArtifacts, 'options'>): LossScaler | undefined {
    return options.precision === 'fp16' ? new LossScaler() : undefined;
  }

  /** The input `loss_scale` of the training graph. */
  get feeds(): { loss_scale: OrtTensor } {
    return { loss_scale: scalar(this.now.scale) };
  }

  /** The inputs of the loop. */
  get loopFeeds(): Record<'loss_scale' | 'good_steps' | 'step', OrtTensor> {
    const { goodSteps, updates } = this.now;
    const step = new OrtTensor('int64', BigInt64Array.of(BigInt(updates + 1)), []);
    return { ...this.feeds, good_steps: scalar(goodSteps), step };
  }

  state(): [string, Tensor][] {
    return entries.map(([key, name]) => [name, floatTensor([], Float32Array.of(this.now[key]))]);
  }

  /** AppError `data_invalid` for what is no such state. */
  load(state: ReadonlyMap<string, Tensor>): void {
    const found = entries.map(([key, name]) => [key, numberOf(state.get(name), name)]);
    this.now = Object.fromEntries(found) as LossScale;
  }
}

function numberOf(tensor: Tensor | undefined, name: string): number {
  const [value] = tensor?.type === 'float32' ? numbersOf(tensor) : [];
  if (value !== undefined && Number.isFinite(value) && value >= 0) return value;
  throw new AppError('data_invalid', `the state holds no "${name}": expected one float32, from 0`);
}

const scalar = (value: number): OrtTensor => new OrtTensor('float32', Float32Array.of(value), []);
