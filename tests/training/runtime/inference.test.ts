import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { inferenceModel } from '../../../training/artifacts/index.ts';
import { writeModel } from '../../../training/onnx/codec/index.ts';
import { Random } from '../../../training/random.ts';
import { createExecutor, openInference } from '../../../training/runtime/index.ts';
import { maxDifference } from '../../support/reference-tensors.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { compileTiny, tinyDistilbert, toyBatch } from '../../support/tiny-distilbert.ts';

describe('a finished classifier', () => {
  const folder = temporaryFolder();

  it('has the loss and logits of the executor that trained it', async () => {
    const compiled = compileTiny();
    const options = { device: 'auto', threads: 1 };
    const executor = await createExecutor(compiled, options);
    const file = join(folder.path, 'model.onnx');
    await writeModel(inferenceModel(tinyDistilbert(), compiled, executor.parameters()), file);
    const finished = await openInference(file, options);
    const batch = toyBatch(new Random(4), 6);
    const found = await finished.evaluate(batch);
    const wanted = await executor.evaluate(batch);
    expect(maxDifference([...found.logits], [...wanted.logits])).toBeLessThan(1e-6);
    expect(found.loss).toBeCloseTo(wanted.loss, 6);
    await finished.dispose();
    await executor.dispose();
  });
});
