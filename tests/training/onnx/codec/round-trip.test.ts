import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { fromBinary, toBinary, toJson } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import {
  decodeModel,
  encodeModel,
  readModel,
  writeModel,
} from '../../../../training/onnx/codec/index.ts';
import type { Model } from '../../../../training/onnx/model.ts';
import { ModelProtoSchema } from '../../../../training/onnx/proto/onnx_pb.ts';
import { inferGraph } from '../../../../training/onnx/shapes/infer.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const folder = new URL('../../../fixtures/', import.meta.url).pathname;
const readJson = (file: string) => JSON.parse(readFileSync(`${folder}${file}`, 'utf8'));
const temporary = temporaryFolder();

const graphs: string[] = readJson('index.json')
  .graphs.map((graph: { file: string }) => graph.file)
  .filter((file: string) => existsSync(`${folder}${file}`));
const operators: string[] = readJson('ops/ops.json').cases.map(
  (one: { model: string }) => `ops/${one.model}`,
);

/** All that a file says, but for the order of what has none. */
function contentsOf(bytes: Uint8Array): unknown {
  const proto = fromBinary(ModelProtoSchema, bytes);
  for (const tensor of proto.graph?.initializer ?? []) {
    tensor.rawData = createHash('sha256').update(tensor.rawData).digest();
  }
  proto.graph?.valueInfo.sort((a, b) => (a.name < b.name ? -1 : 1));
  // Exporters write some empty texts (`domain: ""`), which say no more than none.
  const said = (_: string, value: unknown) => (value === '' ? undefined : value);
  return JSON.parse(JSON.stringify(toJson(ModelProtoSchema, proto), said));
}

async function logitsOf(bytes: Uint8Array): Promise<number[]> {
  const session = await InferenceSession.create(bytes, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  const feeds = session.inputNames.map((name) => {
    const values = name === 'input_ids' ? [2, 17, 34, 3, 2, 9, 3, 0] : [1, 1, 1, 1, 1, 1, 1, 0];
    return [name, new Tensor('int64', BigInt64Array.from(values, BigInt), [2, 4])] as const;
  });
  const results = await session.run(Object.fromEntries(feeds));
  await session.release();
  return Array.from(results[session.outputNames[0]!]!.data as Float32Array);
}

const bytesOf = (file: string): Uint8Array => new Uint8Array(readFileSync(`${folder}${file}`));

describe('a model that is read and written again', () => {
  const inline = graphs.filter((file) => !file.includes('external'));

  it.each([...inline, ...operators])('says the same: %s', (file) => {
    const bytes = bytesOf(file);
    expect(contentsOf(encodeModel(decodeModel(bytes)))).toEqual(contentsOf(bytes));
  });

  it.each(graphs)('gives the same numbers, its shapes inferred: %s', async (file) => {
    const model = await readModel(`${folder}${file}`);
    const before = await logitsOf(encodeModel(model));
    inferGraph(model.graph);
    expect(await logitsOf(encodeModel(model))).toEqual(before);
    expect(before.every(Number.isFinite)).toBe(true);
  });
});

describe('external data', () => {
  const file = graphs.find((name) => name.includes('external'))!;
  const weights = (model: Model) =>
    model.graph.initializers.map(({ name, initializer }) => {
      const { type, dims, bytes } = initializer!;
      return [name, type, dims, createHash('sha256').update(bytes).digest('hex')];
    });

  it('is read from the file beside the model', async () => {
    const model = await readModel(`${folder}${file}`);
    const inMemory = decodeModel(encodeModel(model));
    expect(weights(inMemory)).toEqual(weights(model));
  });

  it('is written beside the model and read back', async () => {
    const model = await readModel(`${folder}${file}`);
    const path = `${temporary.path}/moved.onnx`;
    await writeModel(model, path, { externalData: true });
    const size = readFileSync(`${path}.data`).length;
    expect(size).toBeGreaterThan(500_000);
    expect(readFileSync(path).length).toBeLessThan(300_000);
    expect(weights(await readModel(path))).toEqual(weights(model));
    const session = await InferenceSession.create(path, { logSeverityLevel: 3 });
    expect(session.outputNames).toEqual(['logits']);
    await session.release();
  });

  it('takes only tensors above a given size', async () => {
    const model = await readModel(`${folder}${file}`);
    const path = `${temporary.path}/threshold.onnx`;
    await writeModel(model, path, { externalData: 100_000 });
    const large = model.graph.initializers.filter((v) => v.initializer!.bytes.length >= 100_000);
    const total = large.reduce((sum, value) => sum + value.initializer!.bytes.length, 0);
    expect(readFileSync(`${path}.data`).length).toBeGreaterThanOrEqual(total);
    expect(readFileSync(`${path}.data`).length).toBeLessThan(total + 64 * large.length);
    expect(weights(await readModel(path))).toEqual(weights(model));
  });
});

describe('what this codec does not look into', () => {
  it('survives: unknown fields, documentation, annotations, functions, training information', () => {
    const proto = fromBinary(ModelProtoSchema, bytesOf('ops/gemm_bias.onnx'));
    const unknown = (no: number) => [{ no, wireType: 2, data: Uint8Array.of(3, 1, 2, 3) }];
    const graph = proto.graph!;
    proto.docString = 'model';
    proto.domain = 'org.example';
    proto.modelVersion = 7n;
    proto.$unknown = unknown(900);
    graph.docString = 'graph';
    graph.$unknown = unknown(901);
    graph.node[0]!.docString = 'node';
    graph.node[0]!.$unknown = unknown(902);
    graph.input[0]!.docString = 'input';
    graph.input[0]!.$unknown = unknown(903);
    graph.output[0]!.docString = 'output';
    const bytes = toBinary(ModelProtoSchema, proto);
    const again = fromBinary(ModelProtoSchema, encodeModel(decodeModel(bytes)));
    expect(contentsOf(toBinary(ModelProtoSchema, again))).toEqual(contentsOf(bytes));
    expect(again.$unknown).toEqual(unknown(900));
    expect(again.graph?.$unknown).toEqual(unknown(901));
    expect(again.graph?.node[0]?.$unknown).toEqual(unknown(902));
    expect(again.graph?.input[0]?.$unknown).toEqual(unknown(903));
  });
});
