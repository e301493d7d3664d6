import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { AppError } from '../../../src/errors.ts';
import { addGradients } from '../../../training/autodiff/gradients.ts';
import { nonDifferentiable } from '../../../training/autodiff/non-differentiable.ts';
import { rules } from '../../../training/autodiff/rules/index.ts';
import { float } from '../../../training/onnx/attributes.ts';
import { GraphBuilder } from '../../../training/onnx/builder.ts';
import { symbolicDim } from '../../../training/onnx/dim.ts';
import { Graph, type Value } from '../../../training/onnx/graph.ts';
import { floatTensor, intTensor } from '../../../training/onnx/tensor.ts';
import { runSession, sessionOf } from '../../support/run-graph.ts';

/** Every operator of the default domain, as the ONNX specification lists them. */
const operators: string[] = JSON.parse(
  readFileSync(new URL('../../fixtures/operators.json', import.meta.url), 'utf8'),
);

/** A graph with one node of an operator between a float input and a float output. */
function oneNode(op: string): { graph: Graph; x: Value; y: Value } {
  const graph = new Graph('one');
  const x = graph.addInput('x', 'float32', [2, 2]);
  const node = graph.addNode({ op, inputs: [x], outputs: ['y'], name: 'the/node' });
  const y = node.outputs[0]!;
  y.type = 'float32';
  y.shape = [2, 2];
  graph.outputs.push(y);
  return { graph, x, y };
}

function differentiate({ graph, x, y }: ReturnType<typeof oneNode>): Map<Value, Value> {
  const dy = graph.addInput('dy', 'float32', [2, 2]);
  return addGradients(graph, new Map([[y, dy]]), [x]);
}

describe('addGradients', () => {
  it('has for every operator a rule, an entry as non-differentiable, or an error that names it', () => {
    const rejected: string[] = [];
    for (const op of operators) {
      const known = Object.hasOwn(rules, op);
      expect({ op, twice: known && nonDifferentiable.has(op) }).toEqual({ op, twice: false });
      if (known) continue;
      if (nonDifferentiable.has(op)) {
        expect(differentiate(oneNode(op)).size).toBe(0);
        continue;
      }
      rejected.push(op);
      const attempt = () => differentiate(oneNode(op));
      expect(attempt).toThrow(AppError);
      expect(attempt).toThrow(new RegExp(`${op} has no gradient rule.*"the/node".*"x"`));
    }
    expect(rejected).toContain('LSTM');
    expect(rejected.length).toBeLessThan(operators.length);
  });

  it('has rules and non-differentiable entries only for operators that exist', () => {
    for (const op of [...Object.keys(rules), ...nonDifferentiable]) expect(operators).toContain(op);
  });

  it('sums the contributions of every reader of a value', async () => {
    const graph = new Graph('sum');
    const b = new GraphBuilder(graph);
    const x = graph.addInput('x', 'float32', [2]);
    const y = b.add(b.mul(x, x), b.add(x, b.mul(x, 3)));
    graph.outputs.push(y);
    const gradient = addGradients(
      graph,
      new Map([[y, b.constant(floatTensor([2], Float32Array.of(1, 10)))]]),
      [x],
    ).get(x)!;
    graph.outputs.push(gradient);
    const results = await runSession(await sessionOf(graph), {
      x: floatTensor([2], Float32Array.of(5, -1)),
    });
    expect(results[gradient.name]!.values).toEqual([14, 20]);
  });

  it('leaves out what the loss does not depend on', () => {
    const graph = new Graph('unreached');
    const b = new GraphBuilder(graph);
    const x = graph.addInput('x', 'float32', [2]);
    const other = graph.addInput('other', 'float32', [2]);
    const y = b.op('Exp', [x]);
    b.op('Exp', [other]);
    const before = graph.nodes.size;
    const gradients = addGradients(graph, new Map([[y, b.scalar(1, y)]]), [x, other]);
    expect([...gradients.keys()]).toEqual([x]);
    expect(graph.nodes.size).toBe(before + 1);
  });

  it('adds no backward nodes before the first trained value', () => {
    const graph = new Graph('frozen');
    const b = new GraphBuilder(graph);
    const x = graph.addInput('x', 'float32', [2]);
    const w = graph.addInput('w', 'float32', [2]);
    const y = b.mul(b.op('Exp', [x]), w);
    const dy = graph.addInput('dy', 'float32', [2]);
    const before = graph.nodes.size;
    addGradients(graph, new Map([[y, dy]]), [w]);
    expect(graph.nodes.size).toBe(before + 1);
  });

  it('names a trained value at an input through which no gradient is defined', () => {
    const graph = new Graph('exponent');
    const b = new GraphBuilder(graph);
    const e = graph.addInput('exponent', 'float32', []);
    const y = b.op('Pow', [b.scalar(2, 'float32'), e]);
    const dy = graph.addInput('dy', 'float32', []);
    expect(() => addGradients(graph, new Map([[y, dy]]), [e])).toThrow(/Pow .*input 1, "exponent"/);
  });

  it('sums what several heads of queries say of the one head of keys, where only the run tells how many there are', async () => {
    const graph = new Graph('attention', { opset: 23 });
    const b = new GraphBuilder(graph);
    const of = (name: string, heads: string) =>
      graph.addInput(name, 'float32', [1, symbolicDim(heads), 2, 1]);
    const [q, k, v] = [of('q', 'heads'), of('k', 'kv_heads'), of('v', 'kv_heads')];
    const y = b.op('Attention', [q, k, v], { scale: float(1) });
    y.type = 'float32';
    y.shape = q.shape;
    const dy = graph.addInput('dy', 'float32', q.shape);
    graph.outputs.push(y);
    const dk = addGradients(graph, new Map([[y, dy]]), [k]).get(k)!;
    graph.outputs.push(dk);
    const session = await sessionOf(graph);
    const fed = (...values: number[]) =>
      floatTensor([1, values.length / 2, 2, 1], Float32Array.from(values));
    const run = (...keys: number[]) =>
      runSession(session, {
        q: fed(0.3, -0.8, 0.5, 1.1),
        k: fed(...keys),
        v: fed(0.7, -0.4),
        dy: fed(1, 1, 1, 1),
      });
    const total = async (...keys: number[]) =>
      (await run(...keys))[y.name]!.values.reduce((sum, value) => sum + value, 0);
    const found = (await run(0.2, 0.6))[dk.name]!;
    expect(found.dims).toEqual([1, 1, 2, 1]);
    const step = 1e-2;
    const slopes = [
      (await total(0.2 + step, 0.6)) - (await total(0.2 - step, 0.6)),
      (await total(0.2, 0.6 + step)) - (await total(0.2, 0.6 - step)),
    ];
    for (const [i, slope] of slopes.entries()) {
      expect(found.values[i]).toBeCloseTo(slope / (2 * step), 3);
    }
  });

  it('differentiates with respect to intermediate values', async () => {
    const graph = new Graph('intermediate');
    const b = new GraphBuilder(graph);
    const x = graph.addInput('x', 'float32', [symbolicDim('n')]);
    const middle = b.mul(x, 2);
    const y = b.mul(middle, middle);
    graph.outputs.push(y);
    const dy = graph.addInput('dy', 'float32', [symbolicDim('n')]);
    const gradient = addGradients(graph, new Map([[y, dy]]), [middle]).get(middle)!;
    graph.outputs.push(gradient);
    const one = floatTensor([1], Float32Array.of(1));
    const results = await runSession(await sessionOf(graph), {
      x: floatTensor([1], Float32Array.of(3)),
      dy: one,
    });
    expect(results[gradient.name]!.values).toEqual([12]);
  });

  it('loses no update of a row that repeats, on several threads', async () => {
    const [rows, width, count] = [2, 1024, 8192];
    const graph = new Graph('embedding');
    const b = new GraphBuilder(graph);
    const table = graph.addInput('table', 'float32', [rows, width]);
    const ids = graph.addInput('ids', 'int64', [symbolicDim('n')]);
    const y = b.op('Gather', [table, ids]);
    const dy = graph.addInput('dy', 'float32', y.shape);
    const gradient = addGradients(graph, new Map([[y, dy]]), [table]).get(table)!;
    graph.outputs.push(gradient);
    // Its CPU kernel races on repeated rows; whether that shows in one run depends on the machine.
    expect([...graph.nodes].map(({ op }) => op)).not.toContain('ScatterND');
    const results = await runSession(await sessionOf(graph, 4), {
      table: floatTensor([rows, width], new Float32Array(rows * width)),
      ids: intTensor(
        [count],
        Array.from({ length: count }, (_, i) => i % rows),
      ),
      dy: floatTensor([count, width], new Float32Array(count * width).fill(1)),
    });
    expect(new Set(results[gradient.name]!.values)).toEqual(new Set([count / rows]));
  });
});
