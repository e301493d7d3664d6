// What a planted fault may be. Each operator looks at one node of swc's syntax tree and names the bytes
// that it would replace. `text(node)` is the node's source.

const BOUNDARIES = { '<': '<=', '<=': '<', '>': '>=', '>=': '>' };
const SWAPS = { '===': '!==', '!==': '===', '+': '-', '-': '+', '*': '/', '/': '*', '%': '*' };
const LOGIC = { '&&': '||', '||': '&&' };
const METHODS = {
  every: 'some',
  some: 'every',
  min: 'max',
  max: 'min',
  floor: 'ceil',
  ceil: 'floor',
  startsWith: 'endsWith',
  endsWith: 'startsWith',
  indexOf: 'lastIndexOf',
  lastIndexOf: 'indexOf',
  push: 'unshift',
  shift: 'pop',
  pop: 'shift',
};

/** Bytes of a binary expression's operator: it stands between its operands. */
function operatorOf({ left, right, operator }, text) {
  const between = text({ span: { start: left.span.end, end: right.span.start } });
  const at = between.indexOf(operator);
  const start = left.span.end + Buffer.byteLength(between.slice(0, at));
  return { start, end: start + Buffer.byteLength(operator) };
}

function swapped(table) {
  return (node, text) => {
    const other = table[node.operator];
    // A plus between strings is no sum.
    if (other === undefined || [node.left, node.right].some(isText)) return [];
    return [{ span: operatorOf(node, text), to: other }];
  };
}

const isText = ({ type }) => type === 'StringLiteral' || type === 'TemplateLiteral';

/** By name: the types of nodes that the operator looks at, and the faults that it would plant there. */
export const operators = {
  'a factor of 1.01': {
    types: ['NumericLiteral'],
    faults: ({ span, value }) => (value === 0 ? [] : [{ span, to: `${value * 1.01}` }]),
  },
  'off by one': {
    types: ['NumericLiteral'],
    faults: ({ span, value }) => (Number.isInteger(value) ? [{ span, to: `${value + 1}` }] : []),
  },
  'a boundary': { types: ['BinaryExpression'], faults: swapped(BOUNDARIES) },
  'another operator': { types: ['BinaryExpression'], faults: swapped(SWAPS) },
  'the other connective': { types: ['BinaryExpression'], faults: swapped(LOGIC) },
  'no default': {
    types: ['BinaryExpression'],
    faults: ({ operator, left, right, span }, text) =>
      operator === '??' ? [left, right].map((side) => ({ span, to: `(${text(side)})` })) : [],
  },
  'the other truth': {
    types: ['BooleanLiteral'],
    faults: ({ span, value }) => [{ span, to: `${!value}` }],
  },
  'a condition negated': {
    types: ['IfStatement', 'ConditionalExpression', 'WhileStatement'],
    faults: ({ test }, text) => [{ span: test.span, to: `!(${text(test)})` }],
  },
  'no sign': {
    types: ['UnaryExpression'],
    faults: ({ operator, argument, span }, text) =>
      ['-', '!'].includes(operator) ? [{ span, to: `(${text(argument)})` }] : [],
  },
  'a statement left out': {
    types: ['ExpressionStatement', 'ThrowStatement'],
    faults: ({ span }) => [{ span, to: ';' }],
  },
  'a property left out': {
    types: ['ObjectExpression'],
    faults: ({ properties }, text) =>
      properties.flatMap((property) => {
        const span = property.span ?? spanOf(property);
        if (!span) return [];
        // The comma goes with it.
        const after = text({ span: { start: span.end, end: span.end + 1 } });
        return [{ span: { start: span.start, end: span.end + (after === ',' ? 1 : 0) }, to: '' }];
      }),
  },
  'elements exchanged': {
    types: ['ArrayExpression'],
    faults: ({ elements }, text) => {
      const [first, second] = elements;
      if (!first || !second || first.spread || second.spread) return [];
      const [a, b] = [first.expression, second.expression];
      const between = text({ span: { start: a.span.end, end: b.span.start } });
      if (text(a) === text(b)) return [];
      return [
        {
          span: { start: a.span.start, end: b.span.end },
          to: `${text(b)}${between}${text(a)}`,
        },
      ];
    },
  },
  'arguments exchanged': {
    types: ['CallExpression'],
    faults: ({ arguments: given }, text) => {
      if (given.length !== 2 || given.some(({ spread }) => spread)) return [];
      const [a, b] = given.map(({ expression }) => expression);
      if ([a, b].some(({ type }) => type.endsWith('FunctionExpression'))) return [];
      const between = text({ span: { start: a.span.end, end: b.span.start } });
      if (text(a) === text(b)) return [];
      return [
        {
          span: { start: a.span.start, end: b.span.end },
          to: `${text(b)}${between}${text(a)}`,
        },
      ];
    },
  },
  'a sibling method': {
    types: ['MemberExpression'],
    faults: ({ property }) => {
      if (property.type !== 'Identifier' || !Object.hasOwn(METHODS, property.value)) return [];
      return [{ span: property.span, to: METHODS[property.value] }];
    },
  },
};

/** The span of `key: value` or of a shorthand, which have none of their own. */
function spanOf(property) {
  if (property.type === 'Identifier') return property.span;
  if (property.type !== 'KeyValueProperty') return undefined;
  return { start: property.key.span.start, end: property.value.span.end };
}
