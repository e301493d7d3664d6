import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { exportFolder } from '../../../training/architectures/index.ts';
import { type Tensor, tensorOf } from '../../../training/onnx/tensor.ts';
import { Random } from '../../../training/random.ts';
import {
  tinyBert,
  tinyBertTensors,
  writeHuggingFaceFolder,
} from '../../support/hugging-face-folder.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const temporary = temporaryFolder();
const folder = (): string => mkdtempSync(join(temporary.path, 'hf-'));

type Tensors = ReadonlyMap<string, Tensor>;
const source = tinyBertTensors(new Random(1));
const without = (pattern: RegExp): Tensors =>
  new Map([...source].filter(([name]) => !pattern.test(name)));

async function exported(config: object, ...shards: Tensors[]) {
  const path = folder();
  await writeHuggingFaceFolder(path, config, ...shards);
  return exportFolder(path);
}

describe('a folder is refused', () => {
  const query = 'bert.encoder.layer.0.attention.self.query.weight';
  const cases: readonly [string, object, Tensors, RegExp][] = [
    [
      'for a missing tensor',
      tinyBert,
      without(/self\.query\.weight/),
      new RegExp(`no tensor "${query}"`),
    ],
    ['for half a head', tinyBert, without(/classifier\.bias/), /no tensor "classifier\.bias"/],
    ['for a head without pooler', tinyBert, without(/pooler/), /"bert\.pooler\.dense\.weight"/],
    [
      'for another shape',
      { ...tinyBert, intermediate_size: 8 },
      source,
      /intermediate\.dense\.weight" is \[6, 4\]: expected \[8, 4\]/,
    ],
    [
      'for quantized weights',
      tinyBert,
      new Map([...source, [query, tensorOf('int8', [4, 4], new Int8Array(16))]]),
      /query\.weight" holds int8/,
    ],
    [
      'of another architecture',
      { ...tinyBert, model_type: 'roberta' },
      source,
      /"roberta": expected distilbert or bert/,
    ],
    ['without a model type', { vocab_size: 3 }, source, /model_type is missing/],
    [
      'for another activation',
      { ...tinyBert, hidden_act: 'silu' },
      source,
      /hidden_act is "silu": expected gelu or relu/,
    ],
    [
      'for relative positions',
      { ...tinyBert, position_embedding_type: 'relative_key' },
      source,
      /position_embedding_type is "relative_key": expected absolute/,
    ],
    ['of a decoder', { ...tinyBert, is_decoder: true }, source, /is_decoder is true/],
  ];

  it.each(cases)('%s', async (_, config, tensors, message) => {
    await expect(exported(config, tensors)).rejects.toMatchObject({
      code: 'model_invalid',
      message: expect.stringMatching(message),
    });
  });

  it('that holds no config, no weights, or pickled ones, by the missing file', async () => {
    const path = folder();
    await expect(exportFolder(path)).rejects.toMatchObject({
      code: 'file_missing',
      message: expect.stringContaining('config.json'),
    });
    await writeHuggingFaceFolder(path, tinyBert);
    writeFileSync(join(path, 'pytorch_model.bin'), 'x');
    await expect(exportFolder(path)).rejects.toMatchObject({
      code: 'file_missing',
      message: expect.stringContaining('model.safetensors'),
      hint: expect.stringContaining('safetensors'),
    });
  });

  it.each(['config.json', 'model.safetensors'])(
    'whose %s is a Git LFS pointer, with what to do',
    async (name) => {
      const path = folder();
      await writeHuggingFaceFolder(path, tinyBert, source);
      const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 9\n`;
      writeFileSync(join(path, name), pointer);
      await expect(exportFolder(path)).rejects.toMatchObject({
        code: 'data_invalid',
        message: expect.stringMatching(new RegExp(`${name}.* is.* a Git LFS pointer`)),
        hint: expect.stringContaining('git lfs pull'),
      });
    },
  );

  it.each([
    ['{"weight_map": {"a": "../../secret.safetensors"}}', 'data_invalid'],
    ['{"weight_map": {}}', 'data_invalid'],
    ['[1', 'data_invalid'],
    ['{"weight_map": {"a": "gone.safetensors"}}', 'file_missing'],
    ['{"weight_map": {"a": "/etc/gone.safetensors"}}', 'data_invalid'],
    ['{"weight_map": {"a": 1}}', 'data_invalid'],
    ['{"weight_map": ["a.safetensors"]}', 'data_invalid'],
    ['{"weight_map": {"a": "a.safetensors", "a": "b.safetensors"}}', 'data_invalid'],
    ['{"weight_map": {"a": "\\u001b[31m.safetensors"}}', 'data_invalid'],
  ])('whose index of shards is %s', async (text, code) => {
    const path = folder();
    await writeHuggingFaceFolder(path, tinyBert);
    writeFileSync(join(path, 'model.safetensors.index.json'), text);
    await expect(exportFolder(path)).rejects.toMatchObject({ code });
  });

  it('whose shards hold one tensor twice', async () => {
    const embeddings = new Map([...source].filter(([name]) => /word_embeddings/.test(name)));
    await expect(exported(tinyBert, source, embeddings)).rejects.toMatchObject({
      code: 'data_invalid',
      message: expect.stringMatching(
        /"bert\.embeddings\.word_embeddings\.weight" is in model-\d-of-2\.safetensors and in a shard before/,
      ),
    });
  });
});
