import { describe, expect, it } from '@jest/globals';
import {
  constantInts,
  constantOf,
  constantScalar,
} from '../../../../training/graph/facts/constants.ts';
import { type Change, passes } from '../../../../training/graph/facts/passing.ts';
import { float } from '../../../../training/onnx/attributes.ts';
import { GraphBuilder } from '../../../../training/onnx/builder.ts';
import { symbolicDim } from '../../../../training/onnx/dim.ts';
import { Graph, type Value } from '../../../../training/onnx/graph.ts';
import { floatTensor, intTensor, numbersOf } from '../../../../training/onnx/tensor.ts';

const INT64 = 7;
const BOOL = 9;

function setUp() {
  const graph = new Graph('constants');
  const b = new GraphBuilder(graph);
  const constant = (attributes: Parameters<GraphBuilder['op']>[2]) =>
    b.op('Constant', [], attributes);
  const numbers = (value: Value) => {
    const tensor = constantOf(value);
    return tensor && { type: tensor.type, dims: tensor.dims, numbers: numbersOf(tensor) };
  };
  return { graph, b, constant, numbers };
}

describe('the constant that a value is', () => {
  it('is in whichever attribute of a Constant', () => {
    const { constant, numbers } = setUp();
    const tensor = { kind: 'tensor' as const, value: floatTensor([1], Float32Array.of(0.5)) };
    expect(numbers(constant({ value: tensor }))).toEqual({
      type: 'float32',
      dims: [1],
      numbers: [0.5],
    });
    expect(numbers(constant({ value_float: float(0.5) }))).toEqual({
      ...{ type: 'float32', dims: [], numbers: [0.5] },
    });
    expect(numbers(constant({ value_int: 3 }))).toEqual({ type: 'int64', dims: [], numbers: [3] });
    expect(numbers(constant({ value_ints: [3, -1] }))).toEqual({
      ...{ type: 'int64', dims: [2], numbers: [3, -1] },
    });
    const floats = { kind: 'floats' as const, value: [0.5, 2] };
    expect(numbers(constant({ value_floats: floats }))).toEqual({
      ...{ type: 'float32', dims: [2], numbers: [0.5, 2] },
    });
    expect(numbers(constant({ value_string: 'text' }))).toBeUndefined();
  });

  it('is an initializer, also passed on and cast, and nothing that is computed', () => {
    const { graph, b, numbers } = setUp();
    const given = graph.addInitializer('given', intTensor([2], [3, -1]));
    const cast = b.op('Cast', [b.identity(given)], { to: 1 });
    expect(numbers(cast)?.numbers).toEqual([3, -1]);
    expect(constantInts(cast)).toEqual([3, -1]);
    expect(numbers(b.neg(given))).toBeUndefined();
    expect(
      constantInts(graph.addInitializer('floats', floatTensor([1], Float32Array.of(2)))),
    ).toBeUndefined();
  });
});

describe('the number that a value always is', () => {
  it('is as its type holds it', () => {
    const { b } = setUp();
    const x = b.constant(floatTensor([1], Float32Array.of(-1.75)));
    expect(constantScalar(b.op('Cast', [x], { to: INT64 }))).toBe(-1);
    expect(constantScalar(b.op('Cast', [x], { to: BOOL }))).toBe(1);
    const seven = b.constant(intTensor([], [7]));
    expect(constantScalar(b.op('Div', [seven, b.constant(intTensor([], [2]))]))).toBe(3);
    expect(
      constantScalar(
        b.op('Div', [
          b.op('Cast', [seven], { to: 1 }),
          b.constant(floatTensor([], Float32Array.of(3))),
        ]),
      ),
    ).toBe(Math.fround(7 / 3));
  });

  it('is computed from constants and static dimensions, through changes of form', () => {
    const { graph, b } = setUp();
    const q = graph.addInput('q', 'float32', [symbolicDim('batch'), 64]);
    const width = b.op(
      'Cast',
      [b.op('Gather', [b.op('Shape', [q]), b.constant(intTensor([], [1]))])],
      { to: 1 },
    );
    const scale = b.op('Reciprocal', [
      b.op('Sqrt', [b.op('Reshape', [width, b.constant(intTensor([1], [1]))])]),
    ]);
    expect(constantScalar(scale)).toBe(0.125);
    expect(constantScalar(b.add(q, 1))).toBeUndefined();
    expect(constantScalar(undefined)).toBeUndefined();
  });

  it('is not looked for without an end', () => {
    const { b } = setUp();
    let sum = b.constant(floatTensor([], Float32Array.of(1)));
    for (let i = 0; i < 40; i++) sum = b.add(sum, sum);
    expect(constantScalar(sum)).toBeUndefined();
  });
});

describe('an operator that passes its input on', () => {
  it('is told by what it changes, in the default domain', () => {
    const { graph, b } = setUp();
    const x = graph.addInput('x', 'float32', [2, 3]);
    const shape = b.constant(intTensor([1], [6]));
    const made = {
      Identity: b.identity(x),
      Cast: b.op('Cast', [x], { to: 10 }),
      Reshape: b.op('Reshape', [x, shape]),
      Transpose: b.op('Transpose', [x]),
      Dropout: b.op('Dropout', [x]),
      Neg: b.neg(x),
      other: b.op('Identity', [x], {}, { domain: 'com.example' }),
    };
    const passing = (...changes: readonly Change[]) =>
      Object.entries(made).flatMap(([name, { producer }]) =>
        producer && passes(...changes)(producer) ? [name] : [],
      );
    expect(passing()).toEqual(['Identity']);
    expect(passing('type', 'form')).toEqual(['Identity', 'Cast', 'Reshape']);
    expect(passing('order', 'dropped')).toEqual(['Identity', 'Transpose', 'Dropout']);
  });
});

describe('a number that is cast to a truth value', () => {
  it.each([
    [0, 0],
    [1, 1],
    [0.5, 1],
    [-2, 1],
  ])('%f is %i, as the runtime has it', (number, truth) => {
    const { b, constant } = setUp();
    const cast = b.op('Cast', [constant({ value_float: float(number) })], { to: BOOL });
    expect(constantScalar(cast)).toBe(truth);
    expect(constantScalar(b.op('Cast', [cast], { to: INT64 }))).toBe(truth);
  });
});
