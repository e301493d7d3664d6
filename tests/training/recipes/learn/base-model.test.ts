import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { loadConfig } from '../../../../src/config/index.ts';
import { learntTokenizer } from '../../../../training/data/corpus.ts';
import { givenTokenizer } from '../../../../training/data/index.ts';
import { baseModel, withLocalBase } from '../../../../training/recipes/learn/base-model.ts';
import { hubServer } from '../../../support/hub-server.ts';
import { fixturePath } from '../../../support/reference-tensors.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const temporary = temporaryFolder();
const words = 'the quick brown fox jumps over the lazy dog and runs away from it all again';
const { tokenizer, tokenizerJson } = learntTokenizer(
  [{ text: words, labels: Float32Array.of(1) }],
  80,
);
const screen = { write: () => true };

/** A copy of a fixture model with a tokenizer beside it. */
function modelFolder(name: string): string {
  const folder = mkdtempSync(join(temporary.path, `${name}-`));
  cpSync(fixturePath(`models/${name}`), folder, { recursive: true });
  writeFileSync(join(folder, 'tokenizer.json'), tokenizerJson);
  return folder;
}

const oneAxis = [
  'task.name=a',
  'task.text_column=text',
  'task.axes=[{"name":"a","labels":["yes","no"],"column":"x"}]',
];
const configOf = (base: string, ...overrides: string[]) =>
  loadConfig({ overrides: [`model.base=${base}`, 'train.max_length=32', ...overrides], env: {} })
    .config;

describe('a base in Hugging Face layout', () => {
  it.each(['bert', 'distilbert'])('%s: its own head fits a task of as many axes', async (name) => {
    const base = await baseModel(configOf(modelFolder(name)), tokenizer);
    expect(base.head).toBe('keep');
    expect(base.model.graph.outputs.map((value) => value.name)).toEqual(['logits']);
    expect(base.hfConfig).toMatchObject({ model_type: name, vocab_size: 500 });
  });

  it('gets a head of the task’s own where its labels are others', async () => {
    const base = await baseModel(configOf(modelFolder('bert'), ...oneAxis), tokenizer);
    expect(base.head).toBe('mlp');
    expect(base.model.graph.outputs.map((value) => value.name)).toEqual(['last_hidden_state']);
  });

  it('is taken as the graph where it holds one', async () => {
    const folder = modelFolder('bert');
    mkdirSync(join(folder, 'onnx'));
    const graph = 'graphs/bert/legacy-op17-sdpa-head.onnx';
    copyFileSync(fixturePath(graph), join(folder, 'onnx/model.onnx'));
    const base = await baseModel(configOf(folder), tokenizer);
    expect(base.description).toBe(join(folder, 'onnx/model.onnx'));
  });

  it('is refused for windows longer than its positions, and without weights', async () => {
    const folder = modelFolder('bert');
    await expect(baseModel(configOf(folder, 'train.max_length=65'), tokenizer)).rejects.toThrow(
      /train\.max_length is 65: expected at most 64/,
    );
    const empty = mkdtempSync(join(temporary.path, 'empty-'));
    await expect(baseModel(configOf(empty), tokenizer)).rejects.toThrow(
      /neither onnx\/model\.onnx nor model\.safetensors/,
    );
  });
});

describe('a base of a hub', () => {
  const { HF_ENDPOINT, HF_HOME } = process.env;
  afterEach(() => {
    for (const [key, value] of Object.entries({ HF_ENDPOINT, HF_HOME })) {
      if (value === undefined) delete process.env[key];
      else process.env[key] = value;
    }
  });

  it('is a local folder after its download, with its tokenizer', async () => {
    const folder = modelFolder('bert');
    const files = ['config.json', 'tokenizer.json', 'model.safetensors'];
    const hub = await hubServer(
      Object.fromEntries(files.map((file) => [file, readFileSync(join(folder, file))])),
    );
    process.env.HF_ENDPOINT = hub.endpoint;
    process.env.HF_HOME = mkdtempSync(join(temporary.path, 'home-'));
    try {
      const config = await withLocalBase(configOf('hf:org/model'), screen);
      const found = givenTokenizer(config);
      if (!found) throw new Error('there is no tokenizer');
      expect(found.tokenizerJson).toBe(tokenizerJson);
      expect((await baseModel(config, found.tokenizer)).head).toBe('keep');
    } finally {
      await hub.close();
    }
  });

  it('leaves other bases as they are', async () => {
    const config = configOf('somewhere.onnx');
    expect(await withLocalBase(config, screen)).toBe(config);
  });
});
