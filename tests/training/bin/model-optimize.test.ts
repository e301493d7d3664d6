import { copyFileSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { readModel, writeModel } from '../../../training/onnx/codec/index.ts';
import { Graph } from '../../../training/onnx/graph.ts';
import { newModel } from '../../../training/onnx/model.ts';
import { fixturePath } from '../../support/reference-tensors.ts';
import { runBin } from '../../support/run-bin.ts';
import { commandHost } from '../../support/run-commands.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const temporary = temporaryFolder();
const cwd = temporary.path;
const external = fixturePath('graphs/distilbert/dynamo-op18-sdpa-head-external.onnx');
const bin = 'training/bin/mbti-model';
const host = commandHost();
const run = (...args: string[]) => host(bin, ['optimize', ...args], { cwd });

describe('mbti-model optimize', () => {
  it('writes the rewritten model, and says what each pass did and how far the outputs are apart', async () => {
    const { code, stdout } = await runBin(
      bin,
      ['optimize', external, '--out', 'new/fused.onnx', '--passes', 'fused'],
      { cwd },
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^attention +3 +\d+ → \d+$/m);
    expect(stdout).toMatch(/^verified: outputs differ by \d\.\de-\d+ at most/m);
    const { graph } = await readModel(join(cwd, 'new/fused.onnx'));
    const operators = [...graph.nodes].map(({ op }) => op);
    expect(operators.filter((op) => op === 'MultiHeadAttention')).toHaveLength(3);
    expect(readdirSync(join(cwd, 'new'))).toEqual(['fused.onnx']);
  });

  it('writes external data where it is asked to, and reports in JSON', async () => {
    const { code, stdout } = await run(external, '--out', 'b.onnx', '--external-data', '--report');
    expect(code).toBe(0);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ out: 'b.onnx', not_verified: null });
    expect(report.max_difference).toBeLessThan(1e-5);
    expect(report.passes.map(({ name }: { name: string }) => name)).toEqual([
      'tidy',
      'layer-norm',
      'select-row',
    ]);
    expect(existsSync(join(cwd, 'b.onnx.data'))).toBe(true);
    expect((await readModel(join(cwd, 'b.onnx'))).graph.outputs[0]?.name).toBe('logits');
  });

  it('says so where it cannot run the model to verify it', async () => {
    const graph = new Graph('foreign', { opset: 17 });
    graph.opsets.set('their.domain', 1);
    const x = graph.addInput('x', 'float32', [2]);
    const node = graph.addNode({
      op: 'Theirs',
      domain: 'their.domain',
      inputs: [x],
      outputs: ['y'],
    });
    graph.outputs.push(...node.outputs.filter((output) => output !== undefined));
    await writeModel(newModel(graph), join(cwd, 'foreign.onnx'));
    const { code, stdout } = await run('foreign.onnx', '--out', 'same.onnx');
    expect({ code, told: /^not verified: .*Theirs/m.test(stdout) }).toEqual({
      code: 0,
      told: true,
    });
  });
});

describe('mbti-model optimize refuses', () => {
  beforeAll(async () => {
    copyFileSync(external, join(cwd, 'alone.onnx'));
    await run(external, '--out', 'done.onnx', '--passes', 'all');
    await writeModel(newModel(new Graph('new', { opset: 99 })), join(cwd, 'new.onnx'));
  });

  it.each([
    ['a file that is not there', ['nowhere.onnx'], 3, /nowhere\.onnx does not exist/],
    ['missing external data', ['alone.onnx'], 3, /external data of alone\.onnx is missing/],
    ['its own result', ['done.onnx'], 1, /already optimized: it has 3 MultiHeadAttention/],
    ['an operator set that is too new', ['new.onnx'], 1, /operator set 99/],
    ['a pass that there is not', [external, '--passes', 'gelu,magic'], 2, /--passes names magic/],
    ['no file', [], 2, /optimize <file>|Not enough/],
  ])('%s', async (_, args, code, message) => {
    const ended = await run(...args, '--out', 'never.onnx');
    expect(ended.code).toBe(code);
    expect(ended.stderr).toMatch(message);
    expect(existsSync(join(cwd, 'never.onnx'))).toBe(false);
  });

  it('an output of another kind', async () => {
    const ended = await run(external, '--out', 'model.txt');
    expect([ended.code, ended.stderr]).toEqual([2, expect.stringMatching(/--out is model\.txt/)]);
  });
});
