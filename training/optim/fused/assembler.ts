/**
 * What the optimizer's kernels need of WebAssembly's binary format
 * (https://webassembly.github.io/spec/core/binary): instructions are lists of bytes, and an expression is the
 * instructions that leave one value on the stack.
 */
export type Code = readonly number[];

export const types = { i32: 0x7f, f32: 0x7d, f64: 0x7c, v128: 0x7b } as const;
export type ValueType = keyof typeof types;

/** An unsigned integer in LEB128. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  return [...bytes, rest];
}

const vector = (items: readonly Code[]): number[] => [...unsigned(items.length), ...items.flat()];
const section = (id: number, items: readonly Code[]): number[] => {
  const content = vector(items);
  return [id, ...unsigned(content.length), ...content];
};
const text = (value: string): number[] => [...unsigned(value.length), ...Buffer.from(value)];

/** An instruction of the vector extension on the operands that stand before it. */
const simd =
  (opcode: number) =>
  (...operands: Code[]): Code => [...operands.flat(), 0xfd, ...unsigned(opcode)];

/** Loads and stores name the alignment (2⁴ bytes) and an offset (none). */
const access = [4, 0];

export const f32x4 = {
  splat: simd(0x13),
  sqrt: simd(0xe3),
  add: simd(0xe4),
  sub: simd(0xe5),
  mul: simd(0xe6),
  div: simd(0xe7),
};

export const f64x2 = {
  add: simd(0xf0),
  mul: simd(0xf2),
  /** The first two of four float32 as float64. */
  promote: simd(0x5f),
  extract: (lane: 0 | 1, value: Code): Code => [...simd(0x21)(value), lane],
};

export const v128 = {
  load: (pointer: Code): Code => [...simd(0)(pointer), ...access],
  store: (pointer: Code, value: Code): Code => [...simd(11)(pointer, value), ...access],
  /** The halves exchanged. */
  swapHalves: (value: Code): Code => [
    ...simd(13)(value, value),
    ...[8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7],
  ],
};

export const addF64 = (a: Code, b: Code): Code => [...a, ...b, 0xa0];

export const get = (local: number): Code => [0x20, ...unsigned(local)];
export const set = (local: number, value: Code): Code => [...value, 0x21, ...unsigned(local)];

/** Moves a pointer on by one vector of 16 bytes. */
export const advance = (pointer: number): Code => set(pointer, [...get(pointer), 0x41, 16, 0x6a]);

/** Repeats the body, at least once, while the pointer is below the end. */
export const whileBelow = (pointer: number, end: number, body: Code): Code => [
  ...[0x03, 0x40],
  ...body,
  ...[...get(pointer), ...get(end), 0x49],
  ...[0x0d, 0, 0x0b],
];

export interface WasmFunction {
  readonly name: string;
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
  readonly locals: readonly ValueType[];
  readonly body: Code;
}

/** A module of these functions, all exported, on the memory that it imports as `state.memory`. */
export function assemble(functions: readonly WasmFunction[]): Uint8Array<ArrayBuffer> {
  const typeList = (names: readonly ValueType[]) => vector(names.map((name) => [types[name]]));
  const signatures = functions.map(({ parameters, results }) => [
    0x60,
    ...typeList(parameters),
    ...typeList(results),
  ]);
  const bodies = functions.map(({ locals, body }) => {
    const code = [...vector(locals.map((name) => [1, types[name]])), ...body, 0x0b];
    return [...unsigned(code.length), ...code];
  });
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, signatures),
    ...section(2, [[...text('state'), ...text('memory'), 2, 0, 0]]),
    ...section(
      3,
      functions.map((_, i) => unsigned(i)),
    ),
    ...section(
      7,
      functions.map(({ name }, i) => [...text(name), 0, ...unsigned(i)]),
    ),
    ...section(10, bodies),
  ]);
}
