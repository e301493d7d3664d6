import { writeFileSync } from 'node:fs';
import { expect } from '@jest/globals';
import { packageRoot } from '../../../src/package-root.ts';
import {
  distilbert,
  distilbertConfig,
  randomWeights,
} from '../../../training/architectures/index.ts';
import { trainingBatches } from '../../../training/data/index.ts';
import { encodeModel } from '../../../training/onnx/codec/index.ts';
import { elementsOf, type Tensor } from '../../../training/onnx/tensor.ts';
import { batchOptions } from '../../../training/recipes/delivery/model-bundle.ts';
import { createExecutor } from '../../../training/runtime/index.ts';
import { LoopExecutor } from '../../../training/runtime/loop-executor.ts';
import { inFolder, learning } from './learning.ts';
import type { Row } from './row.ts';

const shared = learning();
const { compiled } = shared;

const numbers = (tensor: Tensor | undefined): readonly number[] => {
  if (!tensor) throw new Error('there is no such tensor');
  return Array.from(elementsOf(tensor) as Float32Array);
};
const parameterNames = async (...words: string[]) =>
  (await compiled(...words)).compiled.parameters.map(({ name }) => name);

const RATE = 0.1;
const WEIGHT = 'head.dense.weight';

/** The state before and after one update on the first batch of six texts. */
async function stepped(...words: string[]) {
  const { config, data, compiled: graphs } = await compiled(...words);
  const executor = await createExecutor(graphs, config.runtime);
  const options = { ...batchOptions(config, data.words), seed: 1, epoch: 1 };
  const batch = trainingBatches(data.train, options).at(0);
  const result = await executor.trainStep(batch, { step: 1, learningRate: RATE });
  const { loss } = await executor.evaluate(batch);
  const [before, after] = [graphs.initial, executor.state()];
  const runs = executor.runsOf(batch.size);
  await executor.dispose();
  return { before, after, runs, result, loss, batch };
}

/** What training's graphs are made of, and what they run on. */
export const graphRows: readonly Row[] = [
  {
    key: 'model.base',
    effect: 'gives the trained parameters their shapes',
    see: async () => {
      const init = {
        dim: 12,
        n_layers: 1,
        n_heads: 2,
        hidden_dim: 16,
        max_position_embeddings: 16,
      };
      const graphs = (await compiled(`model.base=${JSON.stringify({ init })}`)).compiled;
      expect(graphs.initial.get(WEIGHT)?.dims).toEqual([12, 12]);
    },
  },
  {
    key: 'model.tokenizer',
    effect: 'names the tokenizer that texts are cut by',
    see: async () => {
      const words = `model.tokenizer=${packageRoot}/data/sample`;
      const given = (await shared.corpus(words)).words.tokenizer;
      const learnt = (await shared.corpus()).words.tokenizer;
      expect(given.vocabularySize).toBeGreaterThan(learnt.vocabularySize);
    },
  },
  {
    key: 'model.vocab_size',
    effect: 'is the number of word pieces that are learnt',
    see: async () => {
      const { words } = await shared.corpus('model.vocab_size=100');
      expect(words.tokenizer.vocabularySize).toBe(100);
    },
  },
  {
    key: 'model.hidden',
    effect: 'names the value that the head is attached to: what lies behind it is not trained',
    see: async () => {
      const sizes = { dim: 8, n_layers: 2, n_heads: 2, hidden_dim: 16, vocab_size: 120 };
      const config = distilbertConfig({ ...sizes, max_position_embeddings: 16 });
      const model = distilbert(config, randomWeights(config, 1));
      const first = [...model.graph.nodes]
        .filter(({ op }) => op === 'LayerNormalization')
        .flatMap(({ outputs }) => outputs)
        // Of the embeddings, then two of each layer.
        .at(2)?.name;
      writeFileSync(inFolder(shared, 'base.onnx'), encodeModel(model));
      const base = `model.base=${inFolder(shared, 'base.onnx')}`;
      const layers = (names: readonly string[]) =>
        [0, 1].filter((layer) => names.some((name) => name.includes(`layer.${layer}.`)));
      expect(layers(await parameterNames(base))).toEqual([0, 1]);
      expect(layers(await parameterNames(base, `model.hidden=${first}`))).toEqual([0]);
    },
  },
  {
    key: 'train.dropout',
    effect:
      'is the ratio of every dropout in the training graph, and of none in the evaluation graph',
    see: async () => {
      const { compiled: graphs } = await compiled('train.dropout=0.375');
      const ratios = [...graphs.training.graph.nodes]
        .filter(({ op }) => op === 'Dropout')
        .map(({ inputs }) => numbers(inputs[1]?.initializer)[0]);
      expect(ratios.length).toBeGreaterThan(3);
      expect(new Set(ratios)).toEqual(new Set([0.375]));
      expect([...graphs.evaluation.graph.nodes].some(({ op }) => op === 'Dropout')).toBe(false);
    },
  },
  {
    key: 'train.weight_decay',
    effect: 'draws a weight towards 0 by its part of the rate, and a bias not',
    see: async () => {
      const [none, some] = [
        await stepped('train.weight_decay=0'),
        await stepped('train.weight_decay=0.5'),
      ];
      const before = numbers(some.before.get(WEIGHT));
      const [without, by] = [none, some].map(({ after }) => numbers(after.get(WEIGHT)));
      for (const [i, weight] of before.entries()) {
        const drawn = (without?.[i] as number) - (by?.[i] as number);
        expect(drawn).toBeCloseTo(RATE * 0.5 * weight, 5);
      }
      expect(some.after.get('head.out.bias')).toEqual(none.after.get('head.out.bias'));
    },
  },
  {
    key: 'train.max_grad_norm',
    effect: 'is the norm that gradients are scaled down to, as the first moments show',
    see: async () => {
      const { after } = await stepped('train.max_grad_norm=0.01');
      const moments = [...after].filter(([name]) => name.endsWith('.exp_avg'));
      const squares = moments.flatMap(([, tensor]) => numbers(tensor).map((m) => (m / 0.1) ** 2));
      expect(Math.sqrt(squares.reduce((sum, square) => sum + square, 0))).toBeCloseTo(0.01, 5);
    },
  },
  {
    key: 'train.accumulate',
    effect: 'is how many pieces of a batch are run one after the other',
    see: async () => {
      expect((await stepped('train.accumulate=3')).runs).toBe(3);
    },
  },
  {
    key: 'train.freeze',
    effect: 'keeps parameters from being trained',
    see: async () => {
      expect((await parameterNames()).some((name) => name.includes('embeddings'))).toBe(true);
      const frozen = await parameterNames('train.freeze=["encoder"]');
      expect(frozen.filter((name) => !name.startsWith('head.'))).toEqual([]);
    },
  },
  {
    key: 'train.recompute',
    effect: 'makes a training graph that computes the layers again',
    see: async () => {
      const products = async (...words: string[]) => {
        const { training } = (await compiled(...words)).compiled;
        return [...training.graph.nodes].filter(({ op }) => op === 'Erf').length;
      };
      expect(await products('train.recompute=layers')).toBeGreaterThan(await products());
    },
  },
  {
    key: 'train.pos_weight',
    effect: 'multiplies the loss of positive labels',
    see: async () => {
      const still = 'train.freeze=["encoder","head.dense.*"]';
      const [plain, weighted] = [
        await stepped(still),
        await stepped(still, 'train.pos_weight=[4]'),
      ];
      const positive = weighted.batch.labels.filter((label) => label === 1).length;
      // Before training both answers are near a half: the loss is the weights' mean times ln 2.
      const mean = (6 + 3 * positive) / 6;
      expect(weighted.result.loss / plain.result.loss).toBeCloseTo(mean, 1);
      const { data, compiled: graphs } = await compiled('train.pos_weight=balanced');
      const share = data.labels.reduce((sum, label) => sum + label, 0) / data.labels.length;
      expect(graphs.options.posWeight?.[0]).toBeCloseTo((1 - share) / share, 6);
    },
  },
  {
    key: 'runtime.loop_steps',
    effect: 'is the number of steps that make one run',
    instead: 'steps go together on CUDA alone; its executor is opened on the CPU',
    see: async () => {
      const { config, compiled: graphs } = await compiled('runtime.loop_steps=3');
      const executor = await LoopExecutor.create(graphs, config.runtime);
      expect(executor.stepsPerRun).toBe(3);
      await executor.dispose();
    },
  },
  {
    key: 'runtime.allow_cpu_fallback',
    effect:
      'changes nothing about a device that is not there: that is an error, whatever may fall back',
    instead: 'what a device cannot run shows on that device; none is on every machine',
    see: async () => {
      const missing = process.platform === 'darwin' ? 'dml' : 'coreml';
      const words = [`runtime.device=${missing}`, 'runtime.allow_cpu_fallback=true'];
      const { config, compiled: graphs } = await compiled(...words);
      expect(config.runtime.allow_cpu_fallback).toBe(true);
      await expect(createExecutor(graphs, config.runtime)).rejects.toMatchObject({
        code: 'device_unavailable',
      });
    },
  },
];
