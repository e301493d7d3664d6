import { describe, expect, it } from '@jest/globals';
import { nonDifferentiable } from '../../../training/autodiff/non-differentiable.ts';
import { rules } from '../../../training/autodiff/rules/index.ts';
import { inspectionReport, inspectModel } from '../../../training/inspect/index.ts';
import { kernelsOf } from '../../../training/inspect/kernels.ts';
import { symbolicDim } from '../../../training/onnx/dim.ts';
import { Graph } from '../../../training/onnx/graph.ts';
import type { Model } from '../../../training/onnx/model.ts';
import { floatTensor, scalarTensor } from '../../../training/onnx/tensor.ts';

/** x·W + W·…: two MatMuls, a Shape, a LogSoftmax, and an operator that nobody knows. */
function model(): Model {
  const graph = new Graph('g', { opset: 17 });
  const x = graph.addInput('x', 'float32', [symbolicDim('batch'), 3]);
  const w = graph.addInitializer('w', floatTensor([3, 3], new Float32Array(9)));
  const scale = graph.addInitializer('scale', scalarTensor('float32', 2));
  const node = (op: string, inputs: readonly (typeof x)[], output: string, domain = '') =>
    graph.addNode({ op, inputs, outputs: [output], domain }).outputs[0]!;
  const h = node('MatMul', [x, w], 'h');
  const y = node('MatMul', [h, w], 'y');
  const z = node('Mul', [y, scale], 'z');
  node('Shape', [z], 's');
  graph.outputs.push(node('LogSoftmax', [z], 'p'), node('Mystery', [z], 'm', 'org.example'));
  return { graph, irVersion: 8, producerName: 'p', producerVersion: '1', metadata: new Map() };
}

describe('inspectModel', () => {
  const description = inspectModel(model());
  const operator = (name: string) =>
    description.operators.find(({ operator: one }) => one === name);

  it('counts operators, the most frequent first', () => {
    expect(description.nodes).toBe(6);
    expect(description.operators[0]).toMatchObject({ operator: 'MatMul', count: 2 });
  });

  it('tells gradient rules, operators without a gradient and unknown ones apart', () => {
    expect(operator('MatMul')?.gradient).toBe('rule');
    expect(operator('Shape')?.gradient).toBe('constant');
    expect(operator('org.example:Mystery')?.gradient).toBe('none');
  });

  it('says which providers have kernels, and where that is not known', () => {
    expect(operator('MatMul')?.kernels).toEqual({ cpu: true, cuda: true, webgpu: true });
    expect(operator('LogSoftmax')?.kernels).toEqual({ cpu: true, cuda: true, webgpu: false });
    expect(operator('org.example:Mystery')?.kernels).toBeNull();
  });

  it('lists float initializers of more than one element as parameters', () => {
    expect(description.parameters).toEqual([
      { name: 'w', type: 'float32', shape: [3, 3], elements: 9 },
    ]);
    expect(description.parameter_count).toBe(9);
  });

  it('prints inputs with symbolic shapes, operators and what falls to the CPU', () => {
    const report = inspectionReport('f.onnx', 1234, description);
    expect(report).toContain('f.onnx: 1.2 kB, IR 8, opset ai.onnx 17, by p 1');
    expect(report).toMatch(/x {2}float32 {2}\[batch, 3\]/);
    expect(report).toMatch(/org\.example:Mystery\s+1\s+NO RULE\s+not known/);
    // Two spaces behind the longest name: the columns stand under each other.
    expect(report).toContain(`\n  ${'MatMul'.padEnd('org.example:Mystery'.length)}  2 `);
    expect(report).toMatch(
      /WebGPU {2}no kernel for LogSoftmax; not known for org\.example:Mystery/,
    );
  });
});

describe('names that act on a terminal', () => {
  const name = 'x\u001b[2J\nerror: forged';
  const graph = new Graph('g', { opset: 17 });
  const x = graph.addInput(name, 'float32', [symbolicDim(name)]);
  const { outputs } = graph.addNode({ op: name, inputs: [x], outputs: ['y'], domain: name });
  graph.outputs.push(...outputs.filter((output) => output !== undefined));
  graph.opsets.set(name, 1);
  const description = inspectModel({ ...model(), graph, producerName: name });

  it('are escaped where they are printed', () => {
    const report = inspectionReport('f.onnx', 1, description);
    expect(report).not.toMatch(/[^\P{Cc}\n]|^error/mu);
    expect(report.match(/x\\u001b\[2J\\nerror: forged/g)).toHaveLength(12);
  });

  it('stay as they are in JSON', () => {
    expect(JSON.parse(JSON.stringify(description))).toMatchObject({
      producer: `${name} 1`,
      opsets: { '': 17, [name]: 1 },
      inputs: [{ name, type: 'float32', shape: `[${name}]` }],
      operators: [{ operator: `${name}:${name}` }],
    });
  });
});

describe('kernels', () => {
  it('end on CUDA with the operator set from which on none is registered', () => {
    expect(kernelsOf('Pad', 18)?.cuda).toBe(true);
    expect(kernelsOf('Pad', 19)?.cuda).toBe(false);
    expect(kernelsOf('Pad', 19)?.cpu).toBe(true);
  });

  it('no operator is both differentiable and not', () => {
    expect(Object.keys(rules).filter((operator) => nonDifferentiable.has(operator))).toEqual([]);
  });
});
