import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { GraphBuilder } from '../../../training/onnx/builder.ts';
import { Graph } from '../../../training/onnx/graph.ts';
import { scalarTensor } from '../../../training/onnx/tensor.ts';
import {
  addNextLossScale,
  initialLossScale,
  lossScaleNames,
  nextLossScale,
} from '../../../training/optim/index.ts';
import { runSession, sessionOf } from '../../support/run-graph.ts';

describe('the loss scale', () => {
  it('begins at 65536 and is halved by an overflow, which is no update', () => {
    expect(nextLossScale({ ...initialLossScale, goodSteps: 5, updates: 7 }, false)).toEqual({
      scale: 32768,
      goodSteps: 0,
      updates: 7,
    });
  });

  it('is doubled by the 2000th update in a row', () => {
    let at = initialLossScale;
    for (let i = 1; i < 2000; i++) at = nextLossScale(at, true);
    expect(at).toEqual({ scale: 65536, goodSteps: 1999, updates: 1999 });
    expect(nextLossScale(at, true)).toEqual({ scale: 131072, goodSteps: 0, updates: 2000 });
  });

  it('counts a row of updates anew after every change, up or down, in any order of overflows', () => {
    // Rows of updates, each ended by an overflow, near the length at which the scale grows.
    const rows = fc.array(
      fc.oneof(fc.nat(3), fc.constantFrom(1999, 2000, 2001, 3999, 4000, 4001)),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(rows, (lengths) => {
        let at = initialLossScale;
        let exponent = 16;
        let updates = 0;
        for (const length of lengths) {
          for (let i = 0; i < length; i++) at = nextLossScale(at, true);
          updates += length;
          exponent += Math.floor(length / 2000);
          expect(at).toEqual({ scale: 2 ** exponent, goodSteps: length % 2000, updates });
          at = nextLossScale(at, false);
          exponent -= 1;
          expect(at).toEqual({ scale: 2 ** exponent, goodSteps: 0, updates });
        }
      }),
    );
  });

  it('stays a float32 where gradients are always zero', () => {
    const at = { scale: 2 ** 127, goodSteps: 1999, updates: 1e6 };
    expect(nextLossScale(at, true).scale).toBe(2 ** 127);
  });

  it.each([
    [65536, 3, true],
    [65536, 1999, true],
    [2 ** 127, 1999, true],
    [1024, 1999, false],
    [3, 0, false],
  ])(
    '%d after %i updates, another that fits: %s, is the same in a graph',
    async (scale, goodSteps, fits) => {
      const graph = new Graph('g');
      const b = new GraphBuilder(graph);
      const next = addNextLossScale(
        b,
        {
          loss_scale: graph.addInput('loss_scale', 'float32', []),
          good_steps: graph.addInput('good_steps', 'float32', []),
          step: graph.addInput('step', 'int64', []),
        },
        graph.addInput('fits', 'bool', []),
      );
      for (const name of lossScaleNames) graph.outputs.push(next[name]);
      const results = await runSession(await sessionOf(graph), {
        loss_scale: scalarTensor('float32', scale),
        good_steps: scalarTensor('float32', goodSteps),
        step: scalarTensor('int64', 8),
        fits: scalarTensor('bool', fits ? 1 : 0),
      });
      const wanted = nextLossScale({ scale, goodSteps, updates: 7 }, fits);
      expect(lossScaleNames.map((name) => results[next[name].name]!.values[0])).toEqual([
        wanted.scale,
        wanted.goodSteps,
        wanted.updates + 1,
      ]);
    },
  );
});
