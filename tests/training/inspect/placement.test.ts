import { readdirSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { type CompiledArtifacts, compileArtifacts } from '../../../training/artifacts/index.ts';
import {
  computesShapes,
  describeMisplaced,
  misplaced,
} from '../../../training/inspect/placement.ts';
import { readModel } from '../../../training/onnx/codec/index.ts';
import { symbolicDim } from '../../../training/onnx/dim.ts';
import { Graph } from '../../../training/onnx/graph.ts';
import { inferGraph } from '../../../training/onnx/shapes/infer.ts';
import { intTensor } from '../../../training/onnx/tensor.ts';
import { fixturePath } from '../../support/reference-tensors.ts';
import { tinyBert } from '../../support/tiny-bert.ts';
import { compileOptions, compileTiny } from '../../support/tiny-distilbert.ts';

const exported = ['bert', 'distilbert', 'distilbert-fresh'].flatMap((folder) =>
  readdirSync(fixturePath(`graphs/${folder}`))
    .filter((name) => name.endsWith('.onnx'))
    .map((name) => `${folder}/${name}`),
);

/** Of every graph of the artifacts, what CUDA has no kernel for. */
const withoutCuda = (compiled: CompiledArtifacts): string[] =>
  (['training', 'evaluation', 'optimizer', 'loop'] as const).flatMap((kind) =>
    misplaced(compiled[kind].graph, 'cuda').map(describeMisplaced),
  );

describe('the emitted graphs', () => {
  it('have a CUDA kernel for every operator and type', () => {
    const options = { posWeight: [2, 3], dropout: 0.1 };
    expect(withoutCuda(compileTiny(options))).toEqual([]);
    expect(withoutCuda(compileTiny({ ...options, frozen: ['*embeddings*'] }))).toEqual([]);
    for (const recompute of ['none', 'layers'] as const)
      expect(withoutCuda(compileTiny({ ...options, precision: 'fp16', recompute }))).toEqual([]);
  });

  it('have so for a BERT of our own', () => {
    const model = tinyBert();
    expect(withoutCuda(compileArtifacts(model, { ...compileOptions, dropout: 0.1 }))).toEqual([]);
  });

  it.each(exported)('have so for the export %s', async (name) => {
    const model = await readModel(fixturePath(`graphs/${name}`));
    const head = model.graph.outputs.some((output) => output.name === 'logits') ? 'keep' : 'mlp';
    const labels = head === 'mlp' ? 2 : undefined;
    const options = { ...compileOptions, head, labels, dropout: 0.1 } as const;
    for (const precision of ['fp32', 'fp16'] as const)
      expect(withoutCuda(compileArtifacts(model, { ...options, precision }))).toEqual([]);
  });

  it('have no node that falls to the CPU in the main graph of the loop', () => {
    const { loop, evaluation } = compileTiny();
    expect(computesShapes(loop.graph)).toBe(false);
    expect(computesShapes(evaluation.graph)).toBe(true);
  });
});

describe('what has no kernel', () => {
  function graphOf(opset: number): Graph {
    const graph = new Graph('g', { opset });
    const x = graph.addInput('x', 'float32', [symbolicDim('n'), 2]);
    const ids = graph.addInput('ids', 'int64', [symbolicDim('n'), 2]);
    const pads = graph.addInitializer('pads', intTensor([4], [0, 0, 0, 1]));
    const node = (op: string, inputs: readonly (typeof x)[], output: string, domain = '') =>
      graph.addNode({ op, inputs, outputs: [output], domain }).outputs[0]!;
    graph.outputs.push(
      node('Pad', [x, pads], 'a'),
      node('Pad', [ids, pads], 'b'),
      node('Gather', [node('Shape', [x], 's'), graph.addInitializer('i', intTensor([], [0]))], 'c'),
      node('Mystery', [x], 'd', 'org.example'),
    );
    inferGraph(graph);
    return graph;
  }

  it('is named with operator, type and operator set', () => {
    expect(misplaced(graphOf(18), 'cuda').map(describeMisplaced)).toEqual([
      'Pad on int64, opset 18 (1 node)',
      'org.example:Mystery on float32, opset 18, not in the table of kernels (1 node)',
    ]);
  });

  it('includes what newer operator sets changed', () => {
    expect(misplaced(graphOf(19), 'cuda').map(describeMisplaced)).toContain(
      'Pad on float32, opset 19 (1 node)',
    );
    expect(misplaced(graphOf(19), 'cpu').map(({ operator }) => operator)).toEqual([
      'org.example:Mystery',
    ]);
  });

  it('is looked for in bodies', () => {
    const outer = new Graph('outer', { opset: 18 });
    const condition = outer.addInput('condition', 'bool', []);
    const body = new Graph('then', { outer });
    const x = body.addInitializer('ids', intTensor([2, 2], [1, 2, 3, 4]));
    const pads = body.addInitializer('pads', intTensor([4], [0, 0, 0, 1]));
    body.outputs.push(body.addNode({ op: 'Pad', inputs: [x, pads], outputs: ['y'] }).outputs[0]!);
    const value = { kind: 'graph', value: body } as const;
    outer.addNode({
      op: 'If',
      inputs: [condition],
      outputs: ['z'],
      attributes: new Map([['then_branch', value]]),
    });
    inferGraph(outer);
    expect(misplaced(outer, 'cuda').map(({ operator }) => operator)).toContain('Pad');
  });

  it('is, for float16, what only the CPU cannot do natively', () => {
    const graph = new Graph('half', { opset: 17 });
    const x = graph.addInput('x', 'float16', [2]);
    graph.outputs.push(graph.addNode({ op: 'Exp', inputs: [x], outputs: ['y'] }).outputs[0]!);
    inferGraph(graph);
    for (const provider of ['cpu', 'cuda', 'webgpu'] as const)
      expect(misplaced(graph, provider)).toEqual([]);
  });
});
