/** Points of [0, 1] in ascending order, and the weights of a function's values there in its integral. */
export interface Quadrature {
  readonly nodes: readonly number[];
  readonly weights: readonly number[];
}

/**
 * Gauss–Lobatto quadrature on [0, 1] with `count` ≥ 2 points, both ends among them: exact for polynomials of
 * degree 2·count − 3. The points between are the roots of the derivative of the Legendre polynomial of degree
 * count − 1 (Abramowitz and Stegun 25.4.32).
 */
export function gaussLobatto(count: number): Quadrature {
  const degree = count - 1;
  const nodes: number[] = [];
  const weights: number[] = [];
  for (let i = 0; i < count; i++) {
    const x = lobattoPoint(degree, -Math.cos((Math.PI * i) / degree));
    const [value] = legendre(degree, x);
    nodes.push((1 + x) / 2);
    weights.push(1 / (degree * count * value ** 2));
  }
  return { nodes, weights };
}

/** Newton's method from a guess; the ends are found at once. */
function lobattoPoint(degree: number, guess: number): number {
  let x = guess;
  for (let step = 0; step < 50; step++) {
    const [value, before] = legendre(degree, x);
    const change = (x * value - before) / ((degree + 1) * value);
    x -= change;
    if (Math.abs(change) < 1e-15) break;
  }
  return x;
}

/** The Legendre polynomials of this degree and of the one below, by their recurrence. */
function legendre(degree: number, x: number): readonly [number, number] {
  let [before, value] = [1, x];
  for (let n = 2; n <= degree; n++) {
    [before, value] = [value, ((2 * n - 1) * x * value - (n - 1) * before) / n];
  }
  return [value, before];
}
