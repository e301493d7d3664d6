import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import type { TextTokenizer } from '../../../src/text/index.ts';
import { type Batch, trainingBatches } from '../../../training/data/index.ts';
import { readSafetensors } from '../../../training/onnx/safetensors.ts';
import { elementsOf } from '../../../training/onnx/tensor.ts';
import { microBatches } from '../../../training/runtime/micro-batches.ts';
import type { Row } from './corpus.ts';

/** How the run that is replayed was to train. */
export interface Settings {
  readonly seed: number;
  readonly epochs: number;
  readonly batchSize: number;
  readonly accumulate: number;
  readonly maxLength: number;
  readonly learningRate: number;
  readonly warmup: number;
  readonly weightDecay: number;
  readonly maxGradNorm: number;
  readonly smoothing: number;
}

export interface ReplayedStep {
  readonly step: number;
  readonly epoch: number;
  readonly loss: number;
  readonly learningRate: number;
  readonly gradNorm: number;
}

interface Parameter {
  readonly name: string;
  readonly dims: readonly number[];
  readonly isDecayed: boolean;
  readonly value: Float32Array;
  readonly m: Float64Array;
  readonly v: Float64Array;
}

/** A training of a test's own: the graphs of the artifacts, and by hand all that stands between them. */
export class Replay {
  readonly #settings: Settings;
  readonly #training: InferenceSession;
  readonly #evaluation: InferenceSession;
  readonly #parameters: readonly Parameter[];
  readonly #tokenizer: TextTokenizer;

  private constructor(
    settings: Settings,
    sessions: readonly [InferenceSession, InferenceSession],
    parameters: readonly Parameter[],
    tokenizer: TextTokenizer,
  ) {
    this.#settings = settings;
    [this.#training, this.#evaluation] = sessions;
    this.#parameters = parameters;
    this.#tokenizer = tokenizer;
  }

  static async open(artifacts: string, tokenizer: TextTokenizer, settings: Settings) {
    const described = JSON.parse(readFileSync(join(artifacts, 'artifacts.json'), 'utf8'));
    const { tensors } = await readSafetensors(join(artifacts, 'checkpoint.safetensors'));
    const decayed = new Map<string, string>(
      described.parameters.map((one: { name: string; decay_group: string }) => [
        one.name,
        one.decay_group,
      ]),
    );
    const parameters = [...tensors].map(([name, tensor]): Parameter => {
      const value = Float32Array.from(elementsOf(tensor) as Float32Array);
      const zeros = () => new Float64Array(value.length);
      const isDecayed = decayed.get(name) === 'decay';
      return { name, dims: tensor.dims, isDecayed, value, m: zeros(), v: zeros() };
    });
    const open = (file: string) =>
      InferenceSession.create(join(artifacts, file), { intraOpNumThreads: 1 });
    const sessions = [await open('training_model.onnx'), await open('eval_model.onnx')] as const;
    return new Replay(settings, sessions, parameters, tokenizer);
  }

  /** Trains on the rows, update by update. */
  async *steps(rows: readonly Row[]): AsyncGenerator<ReplayedStep> {
    const { seed, epochs, batchSize, accumulate, maxLength, smoothing } = this.#settings;
    const examples = rows.map(({ text, labels }) => ({
      ids: Int32Array.from(this.#tokenizer.encode(text)),
      labels: labels.map((y) => y * (1 - smoothing) + smoothing / 2),
    }));
    const size = batchSize * accumulate;
    const total = epochs * Math.ceil(rows.length / size);
    let step = 0;
    for (let epoch = 1; epoch <= epochs; epoch++) {
      const options = { batchSize: size, maxLength, tokenizer: this.#tokenizer, seed, epoch };
      for (const batch of trainingBatches(examples, options)) {
        step++;
        const learningRate = this.#rateOf(step, total);
        const { loss, gradients } = await this.#gradientsOf(batch);
        const gradNorm = Math.sqrt(
          [...gradients.values()].flatMap((g) => [...g]).reduce((sum, g) => sum + g * g, 0),
        );
        this.#update(step, learningRate, gradients, gradNorm);
        yield { step, epoch, loss, learningRate, gradNorm };
      }
    }
  }

  /** The logits [axes] of the first window of each text, without dropout. */
  async logits(rows: readonly Row[]): Promise<Float32Array[]> {
    const found: Float32Array[] = [];
    for (const { text, labels } of rows) {
      const ids = this.#tokenizer.encode(text).slice(0, this.#settings.maxLength - 2);
      const window = [this.#tokenizer.clsId, ...ids, this.#tokenizer.sepId];
      const batch = {
        size: 1,
        length: window.length,
        inputIds: BigInt64Array.from(window, BigInt),
        attentionMask: new BigInt64Array(window.length).fill(1n),
        labels,
      };
      const { logits } = await this.#evaluation.run(this.#feeds(batch), ['logits']);
      found.push(Float32Array.from(logits?.data as Float32Array));
    }
    return found;
  }

  /** Linear to the peak, then a half wave down to 0 behind the last update. */
  #rateOf(step: number, total: number): number {
    const { learningRate: peak, warmup } = this.#settings;
    if (step <= warmup) return (peak * step) / warmup;
    return (peak / 2) * (1 + Math.cos((Math.PI * (step - 1 - warmup)) / (total - warmup)));
  }

  /** The mean over the pieces of a batch. */
  async #gradientsOf(batch: Batch) {
    const pieces = microBatches(batch, this.#settings.accumulate);
    const gradients = new Map(
      this.#parameters.map(({ name, value }) => [name, new Float64Array(value.length)]),
    );
    let loss = 0;
    for (const piece of pieces) {
      const results = await this.#training.run(this.#feeds(piece));
      loss += Number(results.loss?.data[0]) / pieces.length;
      for (const [name, sum] of gradients) {
        const own = results[`${name}.grad`]?.data as Float32Array;
        own.forEach((g, i) => {
          sum[i] = (sum[i] as number) + g / pieces.length;
        });
      }
    }
    return { loss, gradients };
  }

  #feeds({ size, length, inputIds, attentionMask, labels }: Batch) {
    const feeds: Record<string, OrtTensor> = {
      input_ids: new OrtTensor('int64', inputIds, [size, length]),
      attention_mask: new OrtTensor('int64', attentionMask, [size, length]),
      labels: new OrtTensor('float32', labels, [size, labels.length / size]),
    };
    for (const { name, value, dims } of this.#parameters) {
      feeds[name] = new OrtTensor('float32', value, dims);
    }
    return feeds;
  }

  /** AdamW as its paper has it, after clipping by the global norm. */
  #update(
    step: number,
    rate: number,
    gradients: ReadonlyMap<string, Float64Array>,
    norm: number,
  ): void {
    const { weightDecay, maxGradNorm } = this.#settings;
    const clip = Math.min(1, maxGradNorm / (norm + 1e-6));
    for (const { name, value, m, v, isDecayed } of this.#parameters) {
      const gradient = gradients.get(name) as Float64Array;
      for (let i = 0; i < value.length; i++) {
        const g = (gradient[i] as number) * clip;
        const mean = 0.9 * (m[i] as number) + 0.1 * g;
        const square = 0.999 * (v[i] as number) + 0.001 * g * g;
        [m[i], v[i]] = [mean, square];
        const before = value[i] as number;
        const kept = isDecayed ? before * (1 - rate * weightDecay) : before;
        const direction = mean / (1 - 0.9 ** step);
        value[i] = kept - (rate * direction) / (Math.sqrt(square / (1 - 0.999 ** step)) + 1e-8);
      }
    }
  }
}
