import { mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { explainFile, explainModel } from '../../../../training/artifacts/index.ts';
import { decodeModel, encodeModel, readModel } from '../../../../training/onnx/codec/index.ts';
import { floatTensor } from '../../../../training/onnx/tensor.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { tinyGraph } from '../../../support/tiny-bundle.ts';

const temporary = temporaryFolder();
const options = { steps: 3, kept: [2, 3], baseline: 0 };
const classifier = readFileSync(tinyGraph);

const feeds = () => {
  const ids = BigInt64Array.of(2n, 7n, 9n, 100n, 3n, 0n);
  const mask = BigInt64Array.of(1n, 1n, 1n, 1n, 1n, 0n);
  return {
    input_ids: new Tensor('int64', ids, [1, 6]),
    attention_mask: new Tensor('int64', mask, [1, 6]),
  };
};

function written(): string {
  const dir = join(mkdtempSync(join(temporary.path, 'explain-')), 'onnx');
  mkdirSync(dir);
  writeFileSync(join(dir, 'model.onnx'), classifier);
  writeFileSync(join(dir, 'explain.onnx'), explainFile(classifier, 'model.onnx', options));
  return join(dir, 'explain.onnx');
}

describe('explain.onnx', () => {
  it('finds its weights inside the classifier’s file, and gives the numbers of a whole graph', async () => {
    const path = written();
    const whole = encodeModel(explainModel(decodeModel(classifier), options));
    const quiet = { logSeverityLevel: 3 } as const;
    const shared = await InferenceSession.create(path, quiet);
    const results = await shared.run(feeds());
    const expected = await (await InferenceSession.create(whole, quiet)).run(feeds());
    expect(Object.keys(results).sort()).toEqual([
      'attributions',
      'baseline_logits',
      'integrated_gradients',
      'logits',
    ]);
    for (const [name, { data }] of Object.entries(results)) {
      expect({ name, data: [...(data as Float32Array)] }).toEqual({
        name,
        data: [...(expected[name]!.data as Float32Array)],
      });
    }
  });

  it('is read by our own codec too, from its path', async () => {
    const { graph } = await readModel(written());
    const original = decodeModel(classifier).graph;
    const bytes = new Set(
      original.initializers.map(({ initializer }) =>
        Buffer.from(initializer!.bytes).toString('hex'),
      ),
    );
    const weights = graph.initializers.filter(
      ({ initializer }) => initializer!.bytes.length > 1000,
    );
    expect(weights.length).toBeGreaterThan(20);
    for (const { initializer } of weights) {
      expect(bytes.has(Buffer.from(initializer!.bytes).toString('hex'))).toBe(true);
    }
  });

  it('holds no weight itself', () => {
    const path = written();
    const source = decodeModel(classifier).graph.initializers;
    const file = readFileSync(path);
    const held = source.filter(({ initializer }) => {
      const { bytes } = initializer!;
      return bytes.length >= 256 && file.includes(Buffer.from(bytes));
    });
    expect(held).toEqual([]);
    expect(statSync(path).size).toBeLessThan(400_000);
  });

  it('keeps the weights that a rewritten classifier no longer has, and gives the same numbers', async () => {
    const source = await readModel(tinyGraph);
    const rewritten = await readModel(tinyGraph);
    const [lost] = rewritten.graph.initializers.filter(
      ({ initializer }) => initializer!.dims.length === 2 && initializer!.bytes.length > 10_000,
    );
    lost!.initializer = floatTensor(
      lost!.initializer!.dims,
      new Float32Array(lost!.initializer!.bytes.length / 4),
    );
    const file = encodeModel(rewritten);
    const dir = mkdtempSync(join(temporary.path, 'rewritten-'));
    writeFileSync(join(dir, 'model.onnx'), file);
    writeFileSync(join(dir, 'explain.onnx'), explainFile(file, 'model.onnx', options, source));
    const quiet = { logSeverityLevel: 3 } as const;
    const { logits } = await (await InferenceSession.create(join(dir, 'explain.onnx'), quiet)).run(
      feeds(),
    );
    const expected = await (await InferenceSession.create(written(), quiet)).run(feeds());
    expect([...(logits!.data as Float32Array)]).toEqual([
      ...(expected.logits!.data as Float32Array),
    ]);
    const more = statSync(join(dir, 'explain.onnx')).size - statSync(written()).size;
    // The weights themselves, instead of where they lie.
    expect(Math.abs(more - lost!.initializer!.bytes.length)).toBeLessThan(200);
  });
});
