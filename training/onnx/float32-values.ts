import { elementCount, elementsOf, float16Value, type Tensor } from './tensor.ts';

const LARGEST_FLOAT32 = 3.4028234663852886e38;

/**
 * The elements of a tensor of any float type as float32, in memory of their own unless they are float32 already. A
 * finite float64 beyond float32 becomes the largest that there is: masks are such. Undefined for other types.
 */
export function float32Values(tensor: Tensor): Float32Array | undefined {
  const convert = conversions[tensor.type];
  if (convert === undefined) return undefined;
  const elements = elementsOf(tensor);
  if (elements instanceof Float32Array) return elements;
  const values = new Float32Array(elementCount(tensor.dims));
  convert(values, elements);
  return values;
}

type Elements = ReturnType<typeof elementsOf>;

const conversions: Partial<Record<Tensor['type'], (to: Float32Array, from: Elements) => void>> = {
  float32: (to, from) => to.set(from as Float32Array),
  float16: (to, from) => {
    const table = float16Table();
    for (let i = 0; i < to.length; i++) to[i] = table[Number(from[i])] ?? 0;
  },
  bfloat16: (to, from) => {
    const bits = new Uint32Array(to.buffer);
    for (let i = 0; i < bits.length; i++) bits[i] = Number(from[i]) << 16;
  },
  float64: (to, from) => {
    for (let i = 0; i < to.length; i++) {
      const value = Number(from[i]);
      const limit = Number.isFinite(value) ? LARGEST_FLOAT32 : Number.POSITIVE_INFINITY;
      to[i] = Math.min(Math.max(value, -limit), limit);
    }
  },
};

let halves: Float32Array | undefined;

/** The number of every 16-bit pattern. */
function float16Table(): Float32Array {
  halves ??= Float32Array.from({ length: 2 ** 16 }, (_, bits) => float16Value(bits));
  return halves;
}
