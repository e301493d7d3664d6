import { describe, expect, it } from '@jest/globals';
import {
  distilbert,
  distilbertConfig,
  randomWeights,
  type WeightSource,
} from '../../../training/architectures/index.ts';
import { formatShape } from '../../../training/onnx/dim.ts';
import { readSafetensors } from '../../../training/onnx/safetensors.ts';
import { elementsOf, floatTensor, intTensor, type Tensor } from '../../../training/onnx/tensor.ts';
import { problemsOf } from '../../../training/onnx/verify.ts';
import {
  fixturePath,
  maxDifference,
  numbers,
  readFixtureJson,
  readReference,
  tensorNamed,
  transposed,
} from '../../support/reference-tensors.ts';
import { runSession, sessionOf } from '../../support/run-graph.ts';

const tiny = {
  vocab_size: 20,
  dim: 8,
  n_layers: 2,
  n_heads: 2,
  hidden_dim: 16,
  max_position_embeddings: 12,
};
const config = distilbertConfig(tiny);
const int64 = (shape: number[], values: number[]): Tensor => ({
  ...intTensor([values.length], values),
  dims: shape,
});

/** Weights as a Hugging Face folder holds them: linear ones [out, in]. */
async function sourceWeights(name: string): Promise<WeightSource> {
  const { tensors } = await readSafetensors(fixturePath(name));
  return (parameter, shape) => {
    const tensor = tensorNamed(tensors, parameter);
    if (parameter.includes('embeddings')) return tensor;
    return floatTensor(shape, Float32Array.from(transposed(tensor)));
  };
}

describe('DistilBERT’s forward graph', () => {
  it('is a sound graph with symbolic batch and sequence', () => {
    const { graph } = distilbert(config, randomWeights(config, 1));
    expect(problemsOf(graph)).toEqual([]);
    expect(graph.opset).toBe(17);
    expect(graph.inputs.map((x) => `${x.name} ${x.type} ${formatShape(x.shape)}`)).toEqual([
      'input_ids int64 [batch, sequence]',
      'attention_mask int64 [batch, sequence]',
    ]);
    expect(graph.outputs.map((x) => `${x.name} ${x.type} ${formatShape(x.shape)}`)).toEqual([
      'last_hidden_state float32 [batch, sequence, 8]',
    ]);
  });

  it('names parameters as Hugging Face’s modules and nodes by their paths', () => {
    const { graph } = distilbert(config, randomWeights(config, 1));
    const names = graph.initializers.map(({ name }) => name);
    const parameters = names.filter((name) => name.startsWith('distilbert.'));
    const layer = (i: number) => [
      ...['q_lin', 'k_lin', 'v_lin', 'out_lin'].map((x) => `layer.${i}.attention.${x}`),
      ...['sa_layer_norm', 'ffn.lin1', 'ffn.lin2', 'output_layer_norm'].map(
        (x) => `layer.${i}.${x}`,
      ),
    ];
    const modules = [...layer(0), ...layer(1)].flatMap((module) => [
      `distilbert.transformer.${module}.weight`,
      `distilbert.transformer.${module}.bias`,
    ]);
    const embeddings = [
      'word_embeddings.weight',
      'position_embeddings.weight',
      'LayerNorm.weight',
      'LayerNorm.bias',
    ];
    expect(parameters.sort()).toEqual(
      [...modules, ...embeddings.map((x) => `distilbert.embeddings.${x}`)].sort(),
    );
    expect([...graph.nodes].map(({ name }) => name)).toContain(
      '/distilbert/transformer/layer.0/attention/q_lin/MatMul',
    );
  });

  it('gives PyTorch’s hidden states from the same weights, with padding', async () => {
    const fresh = distilbertConfig(readFixtureJson('models/distilbert-fresh.config.json'));
    const weights = await sourceWeights('models/distilbert-fresh.safetensors');
    const { graph } = distilbert(fresh, weights);
    const reference = await readReference('reference/distilbert-fresh.safetensors');
    const results = await runSession(await sessionOf(graph), {
      input_ids: tensorNamed(reference, 'batch/input_ids'),
      attention_mask: tensorNamed(reference, 'batch/attention_mask'),
    });
    const { dims, values } = results.last_hidden_state!;
    const [batch = 0, sequence = 0, dim = 0] = dims;
    const { tensors: source } = await readSafetensors(
      fixturePath('models/distilbert-fresh.safetensors'),
    );
    const linear = (x: number[], module: string): number[] => {
      const weight = numbers(tensorNamed(source, `${module}.weight`));
      return numbers(tensorNamed(source, `${module}.bias`)).map((bias, o) =>
        x.reduce((sum, v, i) => sum + v * weight[o * x.length + i]!, bias),
      );
    };
    const logits = Array.from({ length: batch }, (_, i) => {
      const first = values.slice(i * sequence * dim, i * sequence * dim + dim);
      return linear(
        linear(first, 'pre_classifier').map((v) => Math.max(v, 0)),
        'classifier',
      );
    }).flat();
    expect(maxDifference(logits, numbers(tensorNamed(reference, 'logits')))).toBeLessThan(1e-6);
  });

  it('gives numbers for rows of padding alone, and the same for a text whatever stands beside it', async () => {
    const session = await sessionOf(distilbert(config, randomWeights(config, 1)).graph);
    const both = await runSession(session, {
      input_ids: int64([2, 4], [2, 5, 3, 0, 0, 0, 0, 0]),
      attention_mask: int64([2, 4], [1, 1, 1, 0, 0, 0, 0, 0]),
    });
    expect(both.last_hidden_state!.values.every(Number.isFinite)).toBe(true);
    const alone = await runSession(session, {
      input_ids: int64([1, 3], [2, 5, 3]),
      attention_mask: int64([1, 3], [1, 1, 1]),
    });
    const first = both.last_hidden_state!.values.slice(0, 3 * 8);
    expect(maxDifference(first, alone.last_hidden_state!.values)).toBeLessThan(1e-6);
  });

  it.each(['gelu', 'relu'])('runs with the activation %s', async (activation) => {
    const other = distilbertConfig({ ...tiny, activation });
    const { graph } = distilbert(other, randomWeights(other, 1));
    const results = await runSession(await sessionOf(graph), {
      input_ids: int64([1, 2], [2, 3]),
      attention_mask: int64([1, 2], [1, 1]),
    });
    expect(results.last_hidden_state!.values.every(Number.isFinite)).toBe(true);
  });

  it('refuses weights of another shape by name', () => {
    const weights: WeightSource = (_, shape) => floatTensor([...shape, 1], new Float32Array(1));
    expect(() => distilbert(config, weights)).toThrow(
      /distilbert\.embeddings\.word_embeddings\.weight is float32 \[20,8,1\]: expected float32 \[20,8\]/,
    );
  });
});

describe('a DistilBERT config', () => {
  it('takes transformers’ defaults for what is left out', () => {
    expect(distilbertConfig({})).toMatchObject({
      dim: 768,
      n_layers: 6,
      n_heads: 12,
      hidden_dim: 3072,
    });
  });

  it.each([
    [{ n_heads: 5, dim: 64 }, /n_heads is 5: expected a divisor of dim \(64\)/],
    [{ activation: 'silu' }, /activation is "silu": expected gelu or relu/],
    [{ model_type: 'bert' }, /model_type is "bert": expected distilbert/],
    [
      { n_layers: 0, vocab_size: 'x' },
      /vocab_size is "x".*n_layers is 0: expected a positive integer/,
    ],
    [{ pad_token_id: 9, vocab_size: 9 }, /pad_token_id is 9/],
    [{ dropout: 1 }, /dropout is 1/],
  ])('%j is refused with what is allowed', (raw, message) => {
    expect(() => distilbertConfig(raw)).toThrow(message);
  });
});

describe('random weights', () => {
  const weights = randomWeights(
    distilbertConfig({ vocab_size: 500, dim: 64, pad_token_id: 3, n_heads: 4 }),
    7,
  );

  it('are normal with deviation 0.02, biases 0, LayerNorm 1, the padding row 0', () => {
    const words = elementsOf(weights('distilbert.embeddings.word_embeddings.weight', [500, 64]));
    expect([...words.subarray(3 * 64, 4 * 64)].every((x) => x === 0)).toBe(true);
    expect(words[2 * 64]).not.toBe(0);
    const linear = numbers(weights('a.lin.weight', [200, 200]));
    const mean = linear.reduce((sum, x) => sum + x, 0) / linear.length;
    const deviation = Math.sqrt(
      linear.reduce((sum, x) => sum + (x - mean) ** 2, 0) / linear.length,
    );
    expect(Math.abs(mean)).toBeLessThan(5e-4);
    expect(Math.abs(deviation - 0.02)).toBeLessThan(5e-4);
    expect(numbers(weights('a.lin.bias', [3]))).toEqual([0, 0, 0]);
    expect(numbers(weights('a.LayerNorm.weight', [3]))).toEqual([1, 1, 1]);
    expect(numbers(weights('a.LayerNorm.bias', [3]))).toEqual([0, 0, 0]);
  });

  it('depend on the seed and the name, not on the order', () => {
    const a = numbers(weights('a.weight', [4, 4]));
    expect(numbers(weights('b.weight', [4, 4]))).not.toEqual(a);
    expect(numbers(weights('a.weight', [4, 4]))).toEqual(a);
    expect(numbers(randomWeights(config, 8)('a.weight', [4, 4]))).not.toEqual(a);
  });

  it('have sinusoidal positions where the config asks for them', () => {
    const sinusoidal = distilbertConfig({ ...tiny, sinusoidal_pos_embds: true });
    const table = numbers(
      randomWeights(sinusoidal, 1)('distilbert.embeddings.position_embeddings.weight', [3, 4]),
    );
    const wanted = [0, 1, 2].flatMap((p) => [
      Math.sin(p),
      Math.cos(p),
      Math.sin(p / 100),
      Math.cos(p / 100),
    ]);
    expect(maxDifference(table, wanted)).toBeLessThan(1e-6);
  });
});
