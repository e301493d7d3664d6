import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { exportFolder } from '../../../training/architectures/index.ts';
import { encodeModel } from '../../../training/onnx/codec/index.ts';
import { floatTensor, type Tensor } from '../../../training/onnx/tensor.ts';
import { Random } from '../../../training/random.ts';
import {
  tinyBert,
  tinyBertTensors,
  writeHuggingFaceFolder,
} from '../../support/hugging-face-folder.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const temporary = temporaryFolder();
const source = tinyBertTensors(new Random(1));

async function exported(config: object, tensors: ReadonlyMap<string, Tensor>) {
  const path = mkdtempSync(join(temporary.path, 'hf-'));
  await writeHuggingFaceFolder(path, config, tensors);
  return exportFolder(path);
}
const renamed = (rename: (name: string) => string) =>
  new Map(Array.from(source, ([name, tensor]) => [rename(name), tensor]));

describe('tensors of a wrapped model', () => {
  it.each<[string, (name: string) => string, string]>([
    ['DataParallel', (name) => `module.${name}`, '"module."'],
    ['torch.compile', (name) => `_orig_mod.${name}`, '"_orig_mod."'],
    ['both', (name) => `module._orig_mod.${name}`, '"module._orig_mod."'],
    ['Lightning', (name) => `model.${name}`, '"model."'],
    [
      'FSDP in every layer',
      (name) => name.replace(/layer\.(\d+)/, 'layer.$1._fsdp_wrapped_module'),
      '"_fsdp_wrapped_module."',
    ],
    [
      'a network of an encoder and a head',
      (name) => name.replace(/^bert\./, 'network.encoder.'),
      '"network.encoder."',
    ],
  ])('are found under the names of %s, which is said', async (_, rename, taken) => {
    const { model, notes } = await exported(tinyBert, renamed(rename));
    const plain = await exported(tinyBert, source);
    expect(Buffer.compare(encodeModel(model), encodeModel(plain.model))).toBe(0);
    expect(plain.notes).toEqual([]);
    expect(notes).toEqual([expect.stringContaining(`${taken} was taken off the names of`)]);
  });

  it('keep their names where another tensor has the shorter one', async () => {
    const [first] = source;
    const twice = new Map([
      ...source,
      [`module.${first?.[0]}`, floatTensor([1], Float32Array.of(1))],
    ]);
    const { notes } = await exported(tinyBert, twice as Map<string, Tensor>);
    expect(notes).toEqual([`one tensor is not part of it: module.${first?.[0]}`]);
  });
});

describe('weights and a config.json that disagree', () => {
  it('are refused with the number of layers on both sides where some are missing', async () => {
    await expect(exported({ ...tinyBert, num_hidden_layers: 3 }, source)).rejects.toMatchObject({
      code: 'model_invalid',
      message: expect.stringMatching(
        /model\.safetensors has one layer: expected 3, as num_hidden_layers in config\.json says/,
      ),
    });
  });

  it('are exported where there are more layers, and the rest is told with its tensors', async () => {
    const second = Array.from(source, ([name, tensor]) => [
      name.replace('layer.0', 'layer.1'),
      tensor,
    ]) as [string, Tensor][];
    const { notes } = await exported(tinyBert, new Map([...source, ...second]));
    expect(notes).toEqual([
      'its weights have 2 layers, and num_hidden_layers in config.json is 1: those from number 1 on are left out',
      '16 tensors are not part of it: bert.encoder.* (16)',
    ]);
  });

  it('are exported with the head that is there, and the labels of both are told', async () => {
    const { notes } = await exported({ ...tinyBert, num_labels: 5 }, source);
    expect(notes).toEqual(['config.json has 5 labels, its head 3: the head is taken as it is']);
  });

  it.each([
    [
      'under other names, naming one that is like it',
      renamed((name) => name.replace(/^bert\./, 'my_text_tower.')),
      /no tensor "bert\.embeddings\.word_embeddings\.weight" .*: expected one of \[12, 4\]; it has "my_text_tower\.embeddings\.word_embeddings\.weight"/,
      /another model/,
    ],
    [
      'of an adapter',
      new Map([
        [
          'base_model.model.bert.encoder.layer.0.attention.self.query.lora_A.weight',
          floatTensor([2, 4], new Float32Array(8)),
        ],
      ]),
      /no tensor "bert\.embeddings\.word_embeddings\.weight"/,
      /adapter: merge it/,
    ],
  ])('are refused where the weights are %s', async (_, tensors, says, hint) => {
    await expect(exported(tinyBert, tensors)).rejects.toMatchObject({
      code: 'model_invalid',
      message: expect.stringMatching(says),
      hint: expect.stringMatching(hint),
    });
  });
});
