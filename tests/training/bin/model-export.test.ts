import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { sampleCsv } from '../../../training/data/sample/writer.ts';
import { readModel } from '../../../training/onnx/codec/index.ts';
import { hubServer } from '../../support/hub-server.ts';
import { fixturePath } from '../../support/reference-tensors.ts';
import { runBin } from '../../support/run-bin.ts';
import { commandHost } from '../../support/run-commands.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const temporary = temporaryFolder();
const cwd = temporary.path;
const bert = fixturePath('models/bert');
const bin = 'training/bin/mbti-model';
const host = commandHost();
const run = (...args: string[]) => host(bin, ['export', ...args], { cwd });

describe('mbti-model export', () => {
  it('writes the forward graph of a Hugging Face folder', async () => {
    const { code, stdout } = await runBin(
      bin,
      ['export', '--from', bert, '--out', 'made/bert.onnx'],
      { cwd },
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^wrote made\/bert\.onnx: bert, [\d,]+ parameters, output logits\n$/);
    const { graph } = await readModel(join(cwd, 'made/bert.onnx'));
    expect(graph.inputs.map(({ name }) => name)).toEqual([
      'input_ids',
      'attention_mask',
      'token_type_ids',
    ]);
  });

  it('downloads a model of a hub first', async () => {
    const files = ['config.json', 'model.safetensors'];
    const hub = await hubServer({
      ...Object.fromEntries(files.map((file) => [file, readFileSync(join(bert, file))])),
      'tokenizer.json': '{}',
    });
    try {
      const { code, stdout } = await host(
        bin,
        ['export', '--from', 'hf:org/model', '--out', 'hub.onnx'],
        { cwd, env: { HF_ENDPOINT: hub.endpoint, HF_HOME: mkdtempSync(join(cwd, 'home-')) } },
      );
      expect({ code, shown: stdout.includes('download   model.safetensors') }).toEqual({
        code: 0,
        shown: true,
      });
    } finally {
      await hub.close();
    }
  });

  it.each([
    ['a folder that is not there', ['--from', 'nowhere', '--out', 'a.onnx'], 3, /nowhere/],
    ['an output of another kind', ['--from', bert, '--out', 'a.txt'], 2, /--out is a\.txt/],
    ['no output', ['--from', bert], 2, /out/],
  ])('refuses %s', async (_, args, code, message) => {
    const ended = await run(...args);
    expect(ended.code).toBe(code);
    expect(ended.stderr).toMatch(message);
  });
});

describe('a BERT folder as the base', () => {
  it('is trained and becomes a bundle that can be measured', async () => {
    writeFileSync(join(cwd, 'sample.csv'), sampleCsv(120, 5));
    const settings = [
      'data.source=sample.csv',
      `model.base=${bert}`,
      'model.tokenizer=train',
      'model.vocab_size=400',
      'model.out=bundle',
      'run.dir=run',
      'train.epochs=1',
      'train.max_length=24',
      'runtime.threads=1',
    ];
    writeFileSync(join(cwd, 'empty.json'), '{}');
    const trained = await host('training/bin/mbti-train', ['--config', 'empty.json', ...settings], {
      cwd,
    });
    expect({ code: trained.code, stderr: trained.stderr }).toEqual({ code: 0, stderr: '' });
    const artifacts = JSON.parse(readFileSync(join(cwd, 'run/artifacts/artifacts.json'), 'utf8'));
    expect(artifacts.hyper_parameters.dropout_places).toHaveLength(1 + 2 * 3 + 1);
    const config = JSON.parse(readFileSync(join(cwd, 'bundle/config.json'), 'utf8'));
    expect(config).toMatchObject({
      model_type: 'bert',
      architectures: ['BertForSequenceClassification'],
    });
    const measured = await host(bin, ['evaluate', '--model', 'bundle', '--data', 'sample.csv'], {
      cwd,
    });
    expect({ code: measured.code, stderr: measured.stderr }).toEqual({ code: 0, stderr: '' });
  });
});
