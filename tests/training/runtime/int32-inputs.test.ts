import { describe, expect, it } from '@jest/globals';
import { explainModel } from '../../../training/artifacts/explain/explain-model.ts';
import { compileArtifacts } from '../../../training/artifacts/index.ts';
import { optimizeForInference } from '../../../training/deploy/optimize.ts';
import { quantizeModel } from '../../../training/deploy/quantize/quantize-model.ts';
import { readModel } from '../../../training/onnx/codec/index.ts';
import type { Model } from '../../../training/onnx/model.ts';
import { Random } from '../../../training/random.ts';
import { CpuExecutor } from '../../../training/runtime/cpu-executor.ts';
import { LoopExecutor } from '../../../training/runtime/loop-executor.ts';
import { openWindows } from '../../../training/runtime/windows.ts';
import { withInt32Inputs } from '../../support/int32-inputs.ts';
import { fixturePath } from '../../support/reference-tensors.ts';
import { sessionOf } from '../../support/run-graph.ts';
import { tinyBert } from '../../support/tiny-bert.ts';
import { compileOptions, toyBatch } from '../../support/tiny-distilbert.ts';

const options = { device: 'cpu', threads: 1 };
const update = { learningRate: 1e-2, step: 1 };

/** Loss of a step, and the logits after it. */
async function oneStep(executor: typeof CpuExecutor | typeof LoopExecutor, model: Model) {
  const compiled = compileArtifacts(model, { ...compileOptions, dropout: 0.1, accumulate: 2 });
  const opened = await executor.create(compiled, options);
  try {
    const batch = toyBatch(new Random(3), 4);
    const { loss, gradNorm } = await opened.trainStep(batch, update);
    return { loss, gradNorm, logits: [...(await opened.evaluate(batch)).logits] };
  } finally {
    await opened.dispose();
  }
}

describe('a graph of int32 inputs', () => {
  it.each([
    ['the CPU executor', CpuExecutor],
    ['the loop of steps', LoopExecutor],
  ])('is trained by %s to the numbers of int64', async (_, executor) => {
    const wide = await oneStep(executor, tinyBert());
    expect(await oneStep(executor, withInt32Inputs(tinyBert()))).toEqual(wide);
  });

  it('keeps its types when it is made ready to serve', async () => {
    const exported = await readModel(fixturePath('graphs/bert/legacy-op17-sdpa-head.onnx'));
    const ids = [2, 17, 30, 4, 3];
    const logitsOf = async (model: Model) => {
      const session = await openWindows(optimizeForInference(model).model);
      const types = session.inputs.map(({ type }) => type);
      const { data } = await session.run(ids);
      await session.dispose();
      return { types: [...new Set(types)], data: [...data] };
    };
    const { data } = await logitsOf(exported);
    expect(await logitsOf(withInt32Inputs(exported))).toEqual({ types: ['int32'], data });
    const small = quantizeModel(optimizeForInference(withInt32Inputs(exported)).model).model;
    await (await sessionOf(small.graph)).release();
  });

  it('can be explained', async () => {
    const explained = explainModel(withInt32Inputs(tinyBert(2)), { steps: 5, kept: [2, 3] });
    const session = await sessionOf(explained.graph);
    expect(session.inputMetadata.map((input) => input.isTensor && input.type)).toEqual(
      Array.from({ length: 3 }, () => 'int32'),
    );
    await session.release();
  });
});
