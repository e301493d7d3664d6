import { describe, expect, it } from '@jest/globals';
import { AppError } from '../../../../src/errors.ts';
import { decodeModel } from '../../../../training/onnx/codec/index.ts';
import {
  body,
  field,
  file,
  floats,
  type GraphInit,
  int,
  integers,
  logits,
  type NodeInit,
  node,
  product,
  productWeight,
  range,
  type TensorInit,
  weight,
} from './files.ts';
import { violations, works } from './probe.ts';

const whole = { initializer: [productWeight], output: [logits] };
const chain = (count: number, step: (from: string, to: string, i: number) => NodeInit) =>
  range(count, (i) => step(`v${i}`, `v${i + 1}`, i));

/** A graph whose every part is sound but for what `nodes` do between x·w and the logits. */
const between = (
  nodes: readonly NodeInit[],
  last: string,
  initializer: readonly TensorInit[] = [],
) =>
  file({
    ...whole,
    initializer: [productWeight, ...initializer],
    node: [product('v0'), ...nodes, node('Identity', [last], ['logits'])],
  });

/** Beside the way to the logits, which ends in a sum of whatever it is. */
const beside = (
  nodes: readonly NodeInit[],
  last: string,
  initializer: readonly TensorInit[] = [],
) =>
  file({
    ...whole,
    input: [floats('x', 'batch', 8), floats('z', 'a', 'b', 'c')],
    initializer: [productWeight, ...initializer],
    node: [
      product('h'),
      ...nodes,
      node('ReduceSum', [last], ['s'], [int('keepdims', 0)]),
      node('Add', ['h', 's'], ['logits']),
    ],
  });

const MOST = 2n ** 63n - 1n;
const LEAST = -(2n ** 63n);
const deep = (levels: number) => {
  let inner: GraphInit = {
    name: 'b',
    node: [node('Relu', ['x'], ['t0'])],
    output: [floats('t0', 'batch', 8)],
  };
  for (let level = 1; level <= levels; level++) {
    const branches = [
      body('then_branch', inner),
      body('else_branch', {
        name: 'e',
        node: [node('Neg', ['x'], [`e${level}`])],
        output: [floats(`e${level}`, 'batch', 8)],
      }),
    ];
    inner = {
      name: 'b',
      node: [node('If', ['yes'], [`t${level}`], branches)],
      output: [floats(`t${level}`, 'batch', 8)],
    };
  }
  const yes = { name: 'yes', dataType: 9, dims: [], rawData: Uint8Array.of(1) };
  return file({
    initializer: [productWeight, yes],
    node: [...(inner.node ?? []), node('MatMul', [`t${levels}`, 'w'], ['logits'])],
    output: [logits],
  });
};

type Row = readonly [string, () => Uint8Array];

/** Lists of shapes, axes, pads and counts; none: a scalar. */
const hostileLists: readonly (readonly [string, readonly (number | bigint)[]])[] = [
  ['a scalar', []],
  ['int64’s end', [MOST]],
  ['int64’s beginning', [LEAST]],
  ['2^53', [2n ** 53n]],
  ['a billion', [1e9]],
  ['below zero', [-5]],
];

function byList(op: string, values: readonly (number | bigint)[]): Uint8Array {
  const list =
    values.length > 0 ? integers('list', ...values) : { ...integers('list', 7), dims: [] };
  return beside([node(op, ['one', 'list', 'list'], ['e'])], 'e', [list, weight('one', 1)]);
}

const hostileAttributes: readonly (readonly [string, string, number | bigint])[] = [
  ['MatMulNBits', 'N', MOST],
  ['MatMulNBits', 'K', MOST],
  ['GatherBlockQuantized', 'bits', 3],
  ['GatherBlockQuantized', 'bits', 0],
  ['MultiHeadAttention', 'num_heads', MOST],
  ['MultiHeadAttention', 'num_heads', 0],
];

const withAttribute = (op: string, name: string, value: number | bigint): Uint8Array =>
  file(
    {
      ...whole,
      node: [
        product('h'),
        node(op, ['x', 'x', 'x'], ['n'], [int(name, value)], 'com.microsoft'),
        node('ReduceSum', ['n'], ['s'], [int('keepdims', 0)]),
        node('Add', ['h', 's'], ['logits']),
      ],
    },
    { opsetImport: [{ version: 17n }, { domain: 'com.microsoft', version: 1n }] },
  );

/** Files that are worked with: what they could explode in is bounded without a word, or does not explode. */
const workedWith: readonly Row[] = [
  [
    'sums of five hundred named dimensions',
    () =>
      file({
        initializer: [productWeight],
        input: range(500, (i) => floats(`x${i}`, `d${i}`, 8)),
        node: [
          ...range(499, (i) =>
            node('Concat', [i ? `c${i - 1}` : 'x0', `x${i + 1}`], [`c${i}`], [int('axis', 0)]),
          ),
          node('MatMul', ['c498', 'w'], ['logits']),
        ],
        output: [floats('logits', 'n', 4)],
      }),
  ],
  [
    'products of named dimensions, again and again',
    () =>
      beside(
        [
          node('Shape', ['z'], ['v0']),
          ...chain(1000, (from, to, i) => node(i % 2 ? 'Mul' : 'Add', [from, from], [to])),
          node('Expand', ['one', 'v1000'], ['e']),
        ],
        'e',
        [weight('one', 1)],
      ),
  ],
  [
    'powers of a sum of dimensions',
    () =>
      beside(
        [
          node('Shape', ['z'], ['s0']),
          node('ReduceSum', ['s0'], ['v0']),
          ...chain(500, (from, to) => node('Mul', [from, 'v0'], [to])),
          node('Expand', ['one', 'v500'], ['e']),
        ],
        'e',
        [weight('one', 1)],
      ),
  ],
  [
    'a shape that is a concatenation of itself a hundred times',
    () =>
      beside(
        [
          node('Shape', ['z'], ['v0']),
          ...chain(100, (from, to) => node('Concat', [from, from], [to], [int('axis', 0)])),
          node('Cast', ['v100'], ['e'], [int('to', 1)]),
        ],
        'e',
      ),
  ],
  [
    'a formula that reads its parts twice, a hundred steps deep',
    () =>
      between(
        [
          ...range(100, (i) =>
            node('Add', [i ? `c${i - 1}` : 'c', i ? `c${i - 1}` : 'c'], [`c${i}`]),
          ),
          node('Mul', ['v0', 'c99'], ['end']),
        ],
        'end',
        [weight('c')],
      ),
  ],
  [
    'a chain of nodes that pass a value on, longer than the stack',
    () =>
      between(
        chain(4000, (from, to) => node('Identity', [from], [to])),
        'v4000',
      ),
  ],
  [
    'a constant behind a chain that is longer than the stack',
    () =>
      between(
        [
          ...range(4000, (i) => node('Identity', [i ? `c${i - 1}` : 'c'], [`c${i}`])),
          node('Mul', ['v0', 'c3999'], ['end']),
        ],
        'end',
        [weight('c')],
      ),
  ],
  [
    'a value that two thousand nodes read',
    () =>
      between(
        [
          ...range(2000, (i) => node('Relu', ['v0'], [`r${i}`])),
          node(
            'Sum',
            range(2000, (i) => `r${i}`),
            ['end'],
          ),
        ],
        'end',
      ),
  ],
  [
    'ten thousand inputs with a default',
    () =>
      file({
        ...whole,
        input: [floats('x', 'batch', 8), ...range(10_000, (i) => floats(`d${i}`, 1))],
        initializer: [productWeight, ...range(10_000, (i) => weight(`d${i}`, 1))],
        node: [product('logits')],
      }),
  ],
  [
    'nodes of one name',
    () =>
      between(
        chain(300, (from, to) => ({ ...node('Relu', [from], [to]), name: 'n' })),
        'v300',
      ),
  ],
  [
    'a matrix transposed a thousand times',
    () =>
      between(
        [
          ...range(1000, (i) => node('Transpose', [i ? `t${i - 1}` : 'm'], [`t${i}`])),
          node('MatMul', ['v0', 't999'], ['end']),
        ],
        'end',
        [weight('m', 4, 4)],
      ),
  ],
  ['bodies in bodies', () => deep(20)],
  [
    'constants of 10^9 elements',
    () =>
      beside(
        [
          node('ConstantOfShape', ['n'], ['c']),
          node('Expand', ['one', 'n'], ['e']),
          node('Tile', ['one', 'n'], ['t']),
          node('Pad', ['one', 'pads'], ['p']),
          node('Range', ['zero', 'end', 'step'], ['r']),
          node('OneHot', ['i', 'n', 'two'], ['o']),
          node('Sum', ['c', 'e', 't'], ['sum']),
        ],
        'sum',
        [
          integers('n', 1e9),
          integers('pads', 0, 1e9),
          integers('i', 0),
          { ...integers('zero', 0), dims: [] },
          { ...integers('end', 1e9), dims: [] },
          { ...integers('step', 1), dims: [] },
          weight('one', 1),
          weight('two', 2),
        ],
      ),
  ],
  ...hostileLists.flatMap(([what, values]) =>
    ['Expand', 'Tile', 'Reshape', 'Pad', 'Slice', 'Gather', 'TopK', 'Split', 'Unsqueeze'].map(
      (op): Row => [`${op} by ${what}`, () => byList(op, values)],
    ),
  ),
  ...hostileAttributes.map(
    ([op, name, value]): Row => [
      `${op} with ${name} ${value}`,
      () => withAttribute(op, name, value),
    ],
  ),
  ...['constructor', 'toString', '__proto__', 'hasOwnProperty', 'valueOf', 'keys'].flatMap(
    (name): Row[] => [
      [`an operator ${name}`, () => between([node(name, ['v0'], ['end'])], 'end')],
      [`a domain ${name}`, () => between([node('assign', ['v0'], ['end'], [], name)], 'end')],
      [
        `an attribute ${name}`,
        () => between([node('Relu', ['v0'], ['end'], [int(name, 1)])], 'end'),
      ],
      [`a value ${name}`, () => between([node('Relu', ['v0'], [name])], name)],
    ],
  ),
  [
    'names that a terminal obeys, and forged lines',
    () => {
      const name = '\u001b[2J\nerror: forged\n    at x (y.js:1:1)\u202e';
      return file(
        {
          name,
          input: [floats(name, `batch${name}`, 8)],
          initializer: [{ ...productWeight, name: `w${name}` }],
          node: [
            { ...node('MatMul', [name, `w${name}`], ['logits']), name },
            node(name, ['logits'], [`z${name}`], [], name),
          ],
          output: [logits, floats(`z${name}`, name)],
        },
        {
          producerName: name,
          opsetImport: [{ version: 17n }, { domain: name, version: 1n }],
          metadataProps: [{ key: name, value: name }],
        },
      );
    },
  ],
  [
    'kinds of types that are no tensors',
    () =>
      file({
        ...whole,
        input: [
          floats('x', 'batch', 8),
          { name: 'q', type: { value: { case: 'sequenceType', value: {} } } },
          { name: 'm', type: { value: { case: 'mapType', value: {} } } },
          { name: 'o', type: { value: { case: 'optionalType', value: {} } } },
          { name: 'n' },
        ],
        node: [
          product('logits'),
          node('SequenceAt', ['q', 'm'], ['l']),
          node('Relu', ['o'], ['r']),
        ],
      }),
  ],
  [
    'a function that nobody calls',
    () =>
      file(
        { ...whole, node: [product('logits')] },
        { functions: [{ name: 'f', domain: 'own', node: [node('Relu', ['a'], ['b'])] }] },
      ),
  ],
];

const own = (name: string, calls: readonly string[]) => ({
  name,
  domain: 'own',
  input: ['a'],
  output: ['b'],
  node: calls.map((call, i) => node(call, ['a'], [`b${i}`], [], 'own')),
});

const empty = (count: number, number: number) =>
  Buffer.alloc(2 * count, Buffer.from(field(number, new Uint8Array(0))));

const relu = { ...whole, node: [product('logits')] };

/** Files that are refused as they are read, with what the message names. */
const refused: readonly (readonly [string, () => Uint8Array, RegExp])[] = [
  ['a million nodes', () => file({}, {}, empty(1_000_000, 1)), /more than 30000 nodes/],
  [
    'more than a million descriptions',
    () => file(relu, {}, empty(1_000_001, 13)),
    /more than 1000000 entries/,
  ],
  [
    'more than 100,000 tensors',
    () => file(relu, {}, empty(100_001, 5)),
    /more than 100000 tensors/,
  ],
  [
    'a node with 200,000 inputs',
    () =>
      file({
        ...whole,
        node: [
          node(
            'Sum',
            range(200_000, () => 'x'),
            ['logits'],
          ),
        ],
      }),
    /Sum "logits" has 200000 inputs: at most 4096/,
  ],
  [
    'five thousand outputs',
    () => file({ ...relu, output: range(5000, () => logits) }),
    /graph "g" has 5000 outputs: at most 4096/,
  ],
  [
    'a list of nine million integers',
    () => file(relu, {}, field(5, field(7, new Uint8Array(9_000_000)))),
    /more than 8388608 integers/,
  ],
  [
    'a name of a megabyte',
    () => file({ ...whole, node: [{ ...product('logits'), name: 'n'.repeat(1_000_000) }] }),
    /a name of 1000000 bytes \(name\): at most 4096/,
  ],
  ['bodies a hundred deep', () => deep(60), /nested more than 100 deep/],
  [
    'sequences of sequences, ten thousand deep',
    () => file(relu, {}, field(13, field(2, nestedSequences(5000)))),
    /nested more than 100 deep/,
  ],
  ['groups', () => file(relu, {}, Uint8Array.of(0x9b, 0x06, 0x9c, 0x06)), /of the encoding 3/],
  [
    'a number where a message belongs',
    () => file(relu, {}, Uint8Array.of(0x08, 0x01)),
    /of the encoding 0 where 2 belongs/,
  ],
  [
    'a part that reaches beyond the one around it',
    () => file(relu, {}, Uint8Array.of(0x0a, 0x02, 0x0a, 0x05)),
    /reaches beyond/,
  ],
  [
    'a function that calls itself',
    () => file(relu, { functions: [own('f', ['g']), own('g', ['f'])] }),
    /its function "[fg]" calls itself/,
  ],
  [
    'functions that mean a billion nodes',
    () =>
      file(
        { ...whole, node: [product('h'), node('f0', ['h'], ['logits'], [], 'own')] },
        { functions: range(30, (i) => own(`f${i}`, [`f${i + 1}`, `f${i + 1}`])) },
      ),
    /its functions mean more than 30000 nodes/,
  ],
  [
    'functions that call two hundred deep',
    () =>
      file(
        { ...whole, node: [product('h'), node('f0', ['h'], ['logits'], [], 'own')] },
        { functions: range(200, (i) => own(`f${i}`, [`f${i + 1}`])) },
      ),
    /call more than 100 deep/,
  ],
  [
    'a dimension of 2^63 - 1',
    () => file({ ...relu, input: [floats('x', 'batch', MOST)] }),
    /dimension 1 of "x" is 9223372036854775807: expected at most 9007199254740991/,
  ],
  [
    'a tensor with sixty-five axes',
    () => file({ ...relu, initializer: [{ ...productWeight, dims: range(65, () => 1n) }] }),
    /initializer "w" has 65 axes: at most 64/,
  ],
  [
    'a value with sixty-five axes',
    () => file({ ...relu, input: [floats('x', ...range(65, () => 1))] }),
    /"x" has 65 axes: at most 64/,
  ],
  [
    'a tensor of 2^63 elements',
    () => file({ ...relu, initializer: [{ ...productWeight, dims: [MOST, 2n] }] }),
    /initializer "w" has the impossible shape/,
  ],
  [
    'a tensor of -1 elements',
    () => file({ ...relu, initializer: [{ ...productWeight, dims: [-1n] }] }),
    /impossible shape \[-1\]/,
  ],
  [
    'raw data of an odd length',
    () => file({ ...relu, initializer: [{ ...productWeight, rawData: new Uint8Array(127) }] }),
    /must have 128 bytes but has 127/,
  ],
  [
    'an operator set of version 2^63 - 1',
    () => file(relu, { opsetImport: [{ version: MOST }] }),
    /operator set "ai\.onnx" is 9223372036854775807/,
  ],
  ['an IR version of 2^62', () => file(relu, { irVersion: 2n ** 62n }), /the IR version is 4611/],
  [
    'a node that reads itself',
    () => file({ ...whole, node: [node('Add', ['x', 'logits'], ['logits'])] }),
    /cycle through Add "logits"/,
  ],
  [
    'nodes in a circle',
    () =>
      file({
        ...whole,
        node: [node('Relu', ['b'], ['a']), node('Relu', ['a'], ['b']), product('logits')],
      }),
    /cycle through Relu/,
  ],
  [
    'a value made twice',
    () => file({ ...whole, node: [product('logits'), product('logits')] }),
    /"logits" is empty or defined twice/,
  ],
  [
    'an output that nothing makes',
    () => file({ ...whole, node: [] }),
    /reads "logits", which nothing/,
  ],
  [
    'a body that gives a value from around it',
    () =>
      file({
        ...whole,
        node: [
          product('h'),
          node(
            'If',
            ['h'],
            ['logits'],
            [body('then_branch', { name: 'b', output: [floats('h', 'batch', 4)] })],
          ),
        ],
      }),
    /the body "b" gives "h" of the graph around it/,
  ],
  [
    'a name that is no UTF-8, forged lines in an error',
    () => file({ ...whole, node: [node('Relu', ['a\nerror: forged\n    at x'], ['logits'])] }),
    /reads "a\\nerror: forged\\n {4}at x", which nothing/,
  ],
];

function nestedSequences(levels: number): Uint8Array {
  let type: Uint8Array = new Uint8Array(0);
  for (let level = 0; level < levels; level++) type = field(4, field(1, type));
  return type;
}

describe('a crafted model', () => {
  it.each(workedWith)('is worked with: %s', (_, make) => {
    expect(violations(make())).toEqual([]);
  });

  it.each(refused)('is refused: %s', (_, make, message) => {
    const bytes = make();
    const error = (() => {
      try {
        return decodeModel(bytes);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(AppError);
    expect((error as AppError).code).toBe('model_invalid');
    expect((error as AppError).message).toMatch(message);
    expect(violations(bytes)).toEqual([]);
  });
});

describe('a model that cannot be trained for its size', () => {
  const compiled = (bytes: Uint8Array) => () =>
    works['artifacts of its logits']?.(decodeModel(bytes));

  it('has too many nodes', () => {
    const steps = chain(8000, (from, to) => node('Tanh', [from], [to]));
    expect(compiled(between(steps, 'v8000'))).toThrow(
      expect.objectContaining({
        code: 'model_invalid',
        message: expect.stringMatching(/the graph has \d+ nodes: at most 8000 can be trained/),
      }),
    );
  });

  it('has too many parameters', () => {
    const added = chain(4096, (from, to, i) => node('Add', [from, `m${i}.bias`], [to]));
    const biases = range(4096, (i) => weight(`m${i}.bias`, 4));
    expect(compiled(between(added, 'v4096', biases))).toThrow(
      expect.objectContaining({
        code: 'config_invalid',
        message: '4097 parameters are to be trained: at most 4096 can be',
      }),
    );
  });

  it('makes many parameters of one weight', () => {
    const merged = range(80, (i) => node('Identity', ['big'], [`m${i}.weight`]));
    const read = chain(80, (from, to, i) => node('MatMul', [from, `m${i}.weight`], [to]));
    const bytes = file({
      input: [floats('x', 'batch', 512)],
      initializer: [weight('w', 512, 512), weight('big', 512, 512), weight('out', 512, 4)],
      node: [product('v0'), ...merged, ...read, node('MatMul', ['v80', 'out'], ['logits'])],
      output: [logits],
    });
    expect(compiled(bytes)).toThrow(/Identity nodes make parameters of \d+ bytes/);
  });
});

describe('large lists of floats', () => {
  const count = 2 ** 21;
  const list = new Float32Array(count).fill(2);
  const tensor = Buffer.concat([
    field(8, new TextEncoder().encode('big')),
    Uint8Array.of(0x08, 0x80, 0x80, 0x80, 0x01, 0x10, 0x01),
    field(4, new Uint8Array(list.buffer)),
  ]);
  const bytes = file(relu, {}, field(5, tensor));

  it('are read as raw data, and the bytes that were given stay', () => {
    const before = bytes.slice();
    const big = decodeModel(bytes).graph.find('big')?.initializer;
    expect([big?.dims, big?.bytes.length]).toEqual([[count], 4 * count]);
    expect(new DataView((big?.bytes ?? bytes).slice().buffer).getFloat32(400, true)).toBe(2);
    expect(Buffer.compare(bytes, before)).toBe(0);
  });
});
