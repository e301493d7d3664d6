import { describe, expect, it } from '@jest/globals';
import { constantScalar } from '../../../../training/graph/facts/constants.ts';
import { applyRewrites, replaceValue } from '../../../../training/graph/pattern/apply.ts';
import { matchPattern } from '../../../../training/graph/pattern/match.ts';
import {
  any,
  either,
  op,
  type Pattern,
  scalar,
} from '../../../../training/graph/pattern/pattern.ts';
import { GraphBuilder } from '../../../../training/onnx/builder.ts';
import { Graph, type Value } from '../../../../training/onnx/graph.ts';

interface Parts {
  readonly b: GraphBuilder;
  readonly x: Value;
  readonly y: Value;
}

/** Whether a pattern matches the value that is built of x and y, the graph's output. */
function matches(pattern: Pattern, build: (parts: Parts) => Value): boolean {
  const graph = new Graph('pattern', { opset: 17 });
  const [x, y] = [graph.addInput('x', 'float32', [2]), graph.addInput('y', 'float32', [2])];
  const value = build({ b: new GraphBuilder(graph), x, y });
  graph.outputs.push(value);
  return matchPattern(graph, pattern, value) !== undefined;
}

const doubled = op('Add', [op('Mul', [any('x'), scalar(2)]), any('y')]);

describe('a pattern', () => {
  it('matches sums and products in either order', () => {
    expect(matches(doubled, ({ b, x, y }) => b.add(b.mul(x, 2), y))).toBe(true);
    expect(matches(doubled, ({ b, x, y }) => b.add(y, b.mul(2, x)))).toBe(true);
    const difference = op('Sub', [any('x'), scalar(2)]);
    expect(matches(difference, ({ b, x }) => b.sub(2, x))).toBe(false);
  });

  it('wants the constant that it names, to a few digits', () => {
    expect(matches(doubled, ({ b, x, y }) => b.add(b.mul(x, 2.000001), y))).toBe(true);
    expect(matches(doubled, ({ b, x, y }) => b.add(b.mul(x, 2.001), y))).toBe(false);
    expect(matches(doubled, ({ b, x, y }) => b.add(b.mul(x, 1.9), y))).toBe(false);
    expect(matches(doubled, ({ b, x, y }) => b.add(b.mul(x, y), y))).toBe(false);
    const negated = op('Mul', [any('x'), scalar(-3)]);
    expect(matches(negated, ({ b, x }) => b.mul(x, -3))).toBe(true);
    expect(matches(negated, ({ b, x }) => b.mul(x, 3))).toBe(false);
  });

  it('means the same value by the same name', () => {
    const square = op('Mul', [any('a'), any('a')]);
    expect(matches(square, ({ b, x }) => b.mul(x, x))).toBe(true);
    expect(matches(square, ({ b, x, y }) => b.mul(x, y))).toBe(false);
  });

  it('goes back on a choice that fails later', () => {
    const pattern = op('Add', [any('a'), op('Mul', [any('a'), scalar(2)])]);
    expect(matches(pattern, ({ b, x }) => b.add(b.mul(x, 2), x))).toBe(true);
    const forms = op('Neg', [either(op('Abs', [any('a')]), any('b'))]);
    expect(matches(forms, ({ b, x }) => b.neg(b.op('Exp', [x])))).toBe(true);
  });

  it('does not match where something else reads a value inside', () => {
    const read = ({ b, x, y }: Parts, reader: (inner: Value) => void): Value => {
      const inner = b.mul(x, 2);
      reader(inner);
      return b.add(inner, y);
    };
    expect(matches(doubled, (parts) => read(parts, (inner) => parts.b.neg(inner)))).toBe(false);
    const asOutput = (parts: Parts) =>
      read(parts, (inner) => {
        parts.b.graph.outputs.push(inner);
      });
    expect(matches(doubled, asOutput)).toBe(false);
  });

  it('names an operator of one domain', () => {
    const gelu = op('Gelu', [any('x')], { domain: 'com.microsoft' });
    expect(matches(gelu, ({ b, x }) => b.op('Gelu', [x]))).toBe(false);
  });
});

describe('a number that a graph computes', () => {
  it('is known where it follows from constants and known dimensions', () => {
    const graph = new Graph('scale', { opset: 17 });
    const b = new GraphBuilder(graph);
    const x = graph.addInput('x', 'float32', [1, 64]);
    const size = b.op('Slice', [b.op('Shape', [x]), b.ints([-1]), b.ints([9])]);
    const scale = b.div(1, b.op('Sqrt', [b.cast(size, 'float32')]));
    expect(constantScalar(scale)).toBe(1 / 8);
    expect(constantScalar(b.add(scale, x))).toBeUndefined();
  });
});

describe('a number that an operator makes of numbers', () => {
  it.each([
    ['Add', [6, 3], 9],
    ['Sub', [6, 4], 2],
    ['Mul', [6, 4], 24],
    ['Div', [6, 4], 1.5],
    ['Pow', [6, 2], 36],
    ['Sqrt', [6.25], 2.5],
    ['Reciprocal', [8], 0.125],
    ['Neg', [8], -8],
  ])('of %s %p is %d', (name, operands, result) => {
    const b = new GraphBuilder(new Graph('number', { opset: 17 }));
    const made = b.op(
      name,
      operands.map((operand) => b.scalar(operand, 'float32')),
    );
    expect(constantScalar(made)).toBe(result);
  });
});

describe('a replacement', () => {
  const negated = {
    name: 'double negation',
    pattern: op('Neg', [op('Neg', [any('x')])]),
    replace: ({ b, value }: { b: GraphBuilder; value: (name: string) => Value }) =>
      b.op('Abs', [value('x')]),
  };

  it('keeps the name of an output of the graph', () => {
    const graph = new Graph('outputs', { opset: 17 });
    const b = new GraphBuilder(graph);
    const x = graph.addInput('x', 'float32', [2]);
    const y = b.neg(b.neg(x));
    graph.rename(y, 'logits');
    graph.outputs.push(y);
    expect(applyRewrites(graph, [negated], 'test')).toBe(1);
    expect(graph.outputs.map(({ name, producer }) => [name, producer?.op])).toEqual([
      ['logits', 'Abs'],
    ]);
  });

  it('may not change a type or a shape', () => {
    const graph = new Graph('shapes', { opset: 17 });
    const b = new GraphBuilder(graph);
    const x = graph.addInput('x', 'float32', [2, 3]);
    expect(() => {
      replaceValue(graph, b.neg(x), b.reshape(x, [6]));
    }).toThrow(/would change from float32 \[2, 3\] to float32 \[6\]/);
    expect(() => {
      replaceValue(graph, b.neg(x), b.cast(x, 'int64'));
    }).toThrow(/would change/);
  });
});
