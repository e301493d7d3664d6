import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MOST_LEVELS, parseStrictJson } from '../../../../src/http/body/strict-json.ts';

/** A JSON value whose objects are lists of entries, so that a key can stand twice. */
type Value = string | number | boolean | null | readonly Value[] | { readonly entries: Entries };
type Entries = readonly (readonly [key: string, value: Value])[];

/** How the text is written where JSON leaves a choice: white space, and characters as escapes. */
interface Style {
  /** Anew at every call. */
  readonly space: () => string;
  readonly isEscaped: () => boolean;
}

function written(value: Value, style: Style): string {
  const { space } = style;
  const around = (inner: string) => space() + inner + space();
  if (typeof value === 'string') return around(quoted(value, style));
  if (typeof value !== 'object' || value === null) return around(String(value));
  if (Array.isArray(value)) return around(`[${value.map((one) => written(one, style))}]`);
  const { entries } = value as { entries: Entries };
  const members = entries.map(
    ([key, inner]) => `${around(quoted(key, style))}:${written(inner, style)}`,
  );
  return around(`{${members.length === 0 ? space() : members}}`);
}

function quoted(text: string, { isEscaped }: Style): string {
  const characters = text
    .split('')
    .map((character) =>
      isEscaped()
        ? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
        : JSON.stringify(character).slice(1, -1),
    );
  return `"${characters.join('')}"`;
}

const key = fc.oneof(
  fc.constantFrom('a', 'text', '"', '\\', '{', '}', '[', ']', ':', ',', '', 'é', '\n'),
  fc.string({ maxLength: 4 }),
);
const leaf: fc.Arbitrary<Value> = fc.oneof(key, fc.integer(), fc.boolean(), fc.constant(null));
const distinct = (value: fc.Arbitrary<Value>) =>
  fc.uniqueArray(fc.tuple(key, value), { maxLength: 4, selector: ([name]) => name });
const { value } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', maxDepth: 5 },
    leaf,
    fc.array(tie('value'), { maxLength: 3 }),
    distinct(tie('value')).map((entries) => ({ entries })),
  ),
}));
const style = fc
  .tuple(
    fc.infiniteStream(fc.constantFrom('', '', ' ', '\t', '\r\n', '\n ')),
    fc.infiniteStream(fc.boolean()),
  )
  .map(
    ([spaces, escapes]): Style => ({
      space: () => spaces.next().value,
      isEscaped: () => escapes.next().value,
    }),
  );

/** Ways from a value to the one around it, outermost last. */
const surroundings = fc.array(
  fc.oneof(
    fc.array(value, { maxLength: 2 }).map(
      (others) =>
        (inner: Value): Value => [...others, inner],
    ),
    fc.tuple(key, distinct(value)).map(
      ([name, others]) =>
        (inner: Value): Value => ({
          entries: [[name, inner], ...others.filter(([other]) => other !== name)],
        }),
    ),
  ),
  { maxLength: 4 },
);

describe('a body in which no key stands twice', () => {
  it('is what JSON.parse makes of it, however it is written', () => {
    fc.assert(
      fc.property(value, style, (one, how) => {
        const text = written(one, how);
        expect(parseStrictJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });
});

describe('a key that stands twice in one object', () => {
  it('is refused wherever the object stands and however the key is written', () => {
    const repeated = fc.tuple(distinct(value), key, value, value).map(
      ([others, name, first, second]): Value => ({
        entries: [[name, first], ...others.filter(([other]) => other !== name), [name, second]],
      }),
    );
    fc.assert(
      fc.property(repeated, surroundings, style, (inner, around, how) => {
        const text = written(
          around.reduce((held, surround) => surround(held), inner),
          how,
        );
        expect(() => JSON.parse(text)).not.toThrow();
        expect(() => parseStrictJson(text)).toThrow(
          expect.objectContaining({
            code: 'invalid_request',
            message: expect.stringMatching(/ occurs twice in one object$/s),
          }),
        );
      }),
    );
  });

  it.each([
    ['{"a":1,"a":2}'],
    ['{"a":1,"a" :2}'],
    ['{"a":1,"a"\t:2}'],
    ['{"a":1,"a"\r:2}'],
    ['{"a":1,"a"\n:2}'],
    ['{"a" \t\r\n :1,"a" \t\r\n :2}'],
    ['{"\\u0061":1,"a":2}'],
    ['{"a":1,"\\u0061":2}'],
    ['{"\\"":1,"\\u0022":2}'],
    ['{"/":1,"\\/":2}'],
    ['{"":1,"":2}'],
    ['[[{"a":{"b":[],"b":{}}}]]'],
    ['{"a":1,"b":{"a":1},"a":{}}'],
  ])('is refused in %s', (text) => {
    expect(() => parseStrictJson(text)).toThrow(/occurs twice in one object/);
  });

  it.each([
    ['{"a":1,"A":2}'],
    ['{"a":{"a":{"a":1}}}'],
    ['[{"a":1},{"a":1}]'],
    ['{"a":"a","b":"a"}'],
    ['{"a":["a","a","a"]}'],
    ['{"é":1,"e\\u0301":2}'],
  ])('is not seen in %s', (text) => {
    expect(parseStrictJson(text)).toEqual(JSON.parse(text));
  });
});

describe('keys that reach a prototype', () => {
  it.each(['__proto__', 'constructor', 'prototype'])('%s is refused at every depth', (name) => {
    const escaped = `\\u${name.charCodeAt(0).toString(16).padStart(4, '0')}${name.slice(1)}`;
    for (const text of [`{"${name}":1}`, `[{"a":{"${name}"\n:{}}}]`, `{"a":0,"${escaped}" :0}`]) {
      expect(() => parseStrictJson(text)).toThrow(`the key "${name}" is not allowed`);
    }
    expect(parseStrictJson(`{"a":"${name}","b":["${name}"]}`)).toEqual({ a: name, b: [name] });
  });
});

describe('the depth of a body', () => {
  const nested = (open: string, close: string, levels: number) =>
    `${open.repeat(levels)}0${close.repeat(levels)}`;

  it.each([
    ['[', ']'],
    ['{"a":', '}'],
    ['[{"a":', '}]'],
  ])('of %s is allowed up to the limit', (open, close) => {
    const each = open === '[{"a":' ? 2 : 1;
    const most = MOST_LEVELS / each;
    expect(() => parseStrictJson(nested(open, close, most - 1))).not.toThrow();
    expect(() => parseStrictJson(nested(open, close, most))).not.toThrow();
    expect(() => parseStrictJson(nested(open, close, most + 1))).toThrow(/over 32 levels deep/);
  });

  it('counts what is open, not what was', () => {
    expect(() => parseStrictJson(`[${new Array(100).fill('[{}]')}]`)).not.toThrow();
    const text = nested('[', ']', MOST_LEVELS - 1);
    expect(() => parseStrictJson(`[${[text, text]}]`)).not.toThrow();
  });
});
