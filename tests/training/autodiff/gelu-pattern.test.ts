import { describe, expect, it } from '@jest/globals';
import { writtenGelu } from '../../../training/autodiff/gelu-pattern.ts';
import { addGradients } from '../../../training/autodiff/gradients.ts';
import { GraphBuilder } from '../../../training/onnx/builder.ts';
import { Graph, type Value } from '../../../training/onnx/graph.ts';
import { floatTensor } from '../../../training/onnx/tensor.ts';
import { runSession, sessionOf } from '../../support/run-graph.ts';

type Form = (b: GraphBuilder, x: Value) => Value;

const raisedErf: Form = (b, x) => b.add(b.op('Erf', [b.div(x, Math.SQRT2)]), 1);

/** The ways in which exporters write it, and one that a hand may choose. */
const forms: Record<string, Form> = {
  'x(1 + erf)½': (b, x) => b.mul(b.mul(x, raisedErf(b, x)), 0.5),
  '(½x)(1 + erf)': (b, x) => b.mul(b.mul(x, 0.5), raisedErf(b, x)),
  '½(1 + erf) first, of a product with √½': (b, x) =>
    b.mul(b.mul(0.5, b.add(1, b.op('Erf', [b.mul(x, Math.SQRT1_2)]))), x),
};

/** What looks like it and is not. */
const others: Record<string, Form> = {
  'another slope': (b, x) => b.mul(b.mul(x, b.add(b.op('Erf', [b.div(x, 1.5)]), 1)), 0.5),
  'another value as factor': (b, x) => b.mul(b.mul(b.neg(x), raisedErf(b, x)), 0.5),
  'an erf that something else reads': (b, x) => {
    const raised = raisedErf(b, x);
    return b.mul(b.add(b.mul(b.mul(x, raised), 0.5), raised), 0.5);
  },
};

function graphOf(form: Form) {
  const graph = new Graph('gelu');
  // An Add before it, as a linear layer's bias is.
  const b = new GraphBuilder(graph);
  const x = graph.addInput('x', 'float32', [9]);
  const y = form(b, b.add(x, 0.25));
  return { graph, b, x, y };
}

const points = [-6, -3, -1.2, -0.4, 0, 0.3, 0.9, 2.5, 6];

async function derivative(form: Form): Promise<readonly number[]> {
  const { graph, b, x, y } = graphOf(form);
  const ones = b.constant(floatTensor([9], new Float32Array(9).fill(1)));
  const gradient = addGradients(graph, new Map([[y, ones]]), [x]).get(x);
  graph.outputs.push(gradient!);
  const fed = floatTensor([9], Float32Array.from(points));
  const results = await runSession(await sessionOf(graph), { x: fed });
  return Object.values(results)[0]!.values;
}

describe('a GELU written out', () => {
  it.each(Object.entries(forms))('is known as %s', (_, form) => {
    const { y, graph } = graphOf(form);
    const found = [...graph.nodes].flatMap((node) => writtenGelu(node) ?? []);
    expect(found).toHaveLength(1);
    expect(found[0]?.x.producer?.op).toBe('Add');
    expect(found[0]?.inner).toHaveLength(4);
    expect(writtenGelu(y.producer!)).toEqual(found[0]);
  });

  it.each(Object.entries(others))('is not %s', (_, form) => {
    expect([...graphOf(form).graph.nodes].flatMap((node) => writtenGelu(node) ?? [])).toEqual([]);
  });

  it.each(Object.entries(forms))('has the derivative Φ(x) + xφ(x): %s', async (_, form) => {
    const step = 1e-4;
    const found = await derivative(form);
    for (const [i, point] of points.entries()) {
      const x = point + 0.25;
      const wanted = (gelu(x + step) - gelu(x - step)) / (2 * step);
      // Central differences in double precision: 1e-8; float32's own rounding: 1e-6.
      expect(Math.abs(found[i]! - wanted)).toBeLessThan(2e-6);
    }
  });

  it('keeps the gradient of an inner value that is asked for', () => {
    const { graph, b, y } = graphOf(forms['x(1 + erf)½']!);
    const erf = [...graph.nodes].find(({ op }) => op === 'Erf')!.outputs[0]!;
    const ones = b.constant(floatTensor([9], new Float32Array(9).fill(1)));
    expect(addGradients(graph, new Map([[y, ones]]), [erf]).has(erf)).toBe(true);
  });
});

/** xΦ(x), Φ by Simpson's rule over the density. */
function gelu(x: number): number {
  const parts = 2000;
  const h = x / parts;
  const density = (t: number): number => Math.exp((-t * t) / 2) / Math.sqrt(2 * Math.PI);
  let sum = density(0) + density(x);
  for (let i = 1; i < parts; i++) sum += (i % 2 === 1 ? 4 : 2) * density(i * h);
  return x * (0.5 + (sum * h) / 3);
}
