import { float } from '../../onnx/attributes.ts';
import type { GraphBuilder } from '../../onnx/builder.ts';
import type { Value } from '../../onnx/graph.ts';
import { sumToShapeOf } from '../broadcast.ts';
import type { InputGradient, RuleContext, RuleTable } from '../rule.ts';

/** Y = A·B for matrices and stacks of them: dA = dY·Bᵀ, dB = Aᵀ·dY, summed over broadcast batch axes. */
function matMulGradients(c: RuleContext): InputGradient[] {
  const { b } = c;
  const vectorA = c.rank(0) === 1;
  const vectorB = c.rank(1) === 1;
  if (vectorA || vectorB) return vectorGradients(c, vectorA, vectorB);
  const { dy } = c;
  const weight = c.rank(1) === 2;
  return [
    () => sumToShapeOf(b, b.matMul(dy, b.transposeLast(c.x(1))), c.x(0)),
    () =>
      weight
        ? weightGradient(b, c.x(0), dy, c.x(1))
        : sumToShapeOf(b, b.matMul(b.transposeLast(c.x(0)), dy), c.x(1)),
  ];
}

/** Aᵀ·dY of a stack A [..., m, k] and one matrix [k, n]: a single product over all rows. */
function weightGradient(b: GraphBuilder, a: Value, dy: Value, weight: Value): Value {
  const [k, n] = weight.shape ?? [];
  const rows = (x: Value, width: typeof k): Value => {
    if (x.shape?.length === 2) return x;
    if (typeof width === 'number') return b.reshape(x, [-1, width]);
    const last = b.op('Shape', [x]);
    return b.reshape(
      x,
      b.op('Concat', [b.ints([-1]), b.op('Slice', [last, b.ints([-1]), b.ints([2 ** 31])])], {
        axis: 0,
      }),
    );
  };
  return b.op('Gemm', [rows(a, k), rows(dy, n)], { transA: 1 });
}

/** A vector is a matrix of one row (as A) or one column (as B), without that axis in the result. */
function vectorGradients(c: RuleContext, vectorA: boolean, vectorB: boolean): InputGradient[] {
  const { b, dy } = c;
  const matrixOf = (i: number, vector: boolean, axis: number): Value =>
    vector ? b.unsqueeze(c.x(i), [axis]) : c.x(i);
  const a = matrixOf(0, vectorA, 0);
  const other = matrixOf(1, vectorB, 1);
  const columns = vectorB ? b.unsqueeze(dy, [-1]) : dy;
  const upstream = vectorA ? b.unsqueeze(columns, [-2]) : columns;
  const gradientOf = (product: Value, matrix: Value, i: number): Value =>
    b.reshapeLike(sumToShapeOf(b, product, matrix), c.x(i));
  return [
    () => gradientOf(b.matMul(upstream, b.transposeLast(other)), a, 0),
    () => gradientOf(b.matMul(b.transposeLast(a), upstream), other, 1),
  ];
}

/** Y = alpha·A'·B' + beta·C, where A' and B' are transposed as the attributes say. */
function gemmGradients(c: RuleContext): InputGradient[] {
  const { b, dy, node } = c;
  const transA = node.int('transA') ?? 0;
  const transB = node.int('transB') ?? 0;
  const alpha = node.float('alpha') ?? 1;
  const beta = node.float('beta') ?? 1;
  const gemm = (x: Value, y: Value, tx: number, ty: number): Value =>
    b.op('Gemm', [x, y], {
      transA: tx,
      transB: ty,
      ...(alpha === 1 ? {} : { alpha: float(alpha) }),
    });
  return [
    () => (transA ? gemm(c.x(1), dy, transB, 1) : gemm(dy, c.x(1), 0, 1 - transB)),
    () => (transB ? gemm(dy, c.x(0), 1, transA) : gemm(c.x(0), dy, 1 - transA, 0)),
    () => sumToShapeOf(b, beta === 1 ? dy : b.mul(dy, beta), c.x(2)),
  ];
}

export const matrixRules: RuleTable = {
  MatMul: { vjp: matMulGradients },
  Gemm: { vjp: gemmGradients },
};
