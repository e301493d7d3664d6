import { describe, expect, it } from '@jest/globals';
import { attributesOf } from '../../../../training/onnx/attributes.ts';
import { formatShape } from '../../../../training/onnx/dim.ts';
import { Graph, type Value } from '../../../../training/onnx/graph.ts';
import { inferGraph } from '../../../../training/onnx/shapes/infer.ts';
import { ruleOf } from '../../../../training/onnx/shapes/rules.ts';
import { differencesFromRuntime } from '../../../support/inferred-shapes.ts';
import { attributesOfOperator, operatorsWithSchema } from '../../../support/operator-attributes.ts';
import { attributeRows, checkedElsewhere, keepsShape } from './attribute-rows.ts';
import { type Row, rows as shapeRows } from './operator-rows.ts';

const rows: readonly Row[] = [...shapeRows, ...attributeRows];

function build({ op, inputs, attributes, opset, domain, outputs }: Row): Graph {
  const graph = new Graph('row', { opset: opset ?? 17 });
  if (domain !== undefined) graph.opsets.set(domain, 1);
  const values = inputs.map((operand, i): Value | undefined => {
    if (operand === undefined) return undefined;
    return 'bytes' in operand
      ? graph.addInitializer(`c${i}`, operand)
      : graph.addInput(`x${i}`, operand.type, operand.shape);
  });
  graph.addNode({
    op,
    domain: domain ?? '',
    inputs: values,
    outputs: outputs.map((_, i) => `y${i}`),
    attributes: attributesOf(attributes ?? {}),
  });
  inferGraph(graph);
  return graph;
}

const describeValue = (value: Value, withContent: boolean): string => {
  const shape = formatShape(value.shape).replaceAll(/\?\d+\.\d+/g, '?');
  return `${value.type} ${shape}${withContent ? ` = ${value.content?.join(', ')}` : ''}`;
};

const titled = rows.map((one) => {
  const operands = one.inputs.map((operand) =>
    operand === undefined ? '-' : formatShape('bytes' in operand ? operand.dims : operand.shape),
  );
  const attributes = JSON.stringify(one.attributes);
  return [
    `${one.op} ${operands.join(' ')} ${attributes} → ${one.outputs.join('; ')}`,
    one,
  ] as const;
});

describe('the shape of each operator', () => {
  it.each(titled)('%s', async (_, one) => {
    const graph = build(one);
    const outputs = one.outputs.map((text, i) =>
      describeValue(graph.find(`y${i}`)!, text.includes('=')),
    );
    expect(outputs).toEqual(one.outputs);
    const sizes = [
      { b: 2, s: 5, n: 1 },
      { b: 4, s: 1, n: 1 },
    ];
    if (one.refused)
      await expect(differencesFromRuntime(graph, sizes)).rejects.toThrow(one.refused);
    else expect(await differencesFromRuntime(graph, sizes)).toEqual([]);
  });
});

/** What is inferred of a row's outputs; the message where it is refused. */
function inferred(one: Row): string {
  try {
    const graph = build(one);
    return one.outputs.map((_, i) => describeValue(graph.find(`y${i}`)!, true)).join('; ');
  } catch (error) {
    return String(error);
  }
}

const keyOf = ({ op, domain }: Row): string => (domain ? `${domain}:${op}` : op);

function attributeOf(one: Row, name: string): unknown {
  return attributesOf(one.attributes ?? {}).get(name)?.value;
}

function without(one: Row, name: string): Row {
  return { ...one, attributes: { ...one.attributes, [name]: undefined } };
}

describe('attributes of operators that have a shape rule', () => {
  const operators = operatorsWithSchema.filter((key) => {
    const [op = '', domain = ''] = key.split(':').reverse();
    return ruleOf({ op, domain }) !== undefined;
  });
  const named = operators.flatMap((operator) =>
    Object.entries(attributesOfOperator(operator)).map(
      ([name, otherwise]) => [`${operator}.${name}`, operator, name, otherwise] as const,
    ),
  );

  it('stand in the rows, operator by operator', () => {
    const inRows = new Set(rows.map(keyOf));
    const bodies = new Set(['If', 'Loop', 'Scan']);
    expect(operators.filter((key) => !inRows.has(key) && !bodies.has(key))).toEqual([]);
  });

  it('are known where a row names them', () => {
    const known = new Set<string>(named.map(([attribute]) => attribute));
    const lists = [...Object.keys(checkedElsewhere), ...keepsShape];
    expect(lists.filter((attribute) => !known.has(attribute))).toEqual([]);
  });

  it.each(named.filter(([attribute]) => !Object.hasOwn(checkedElsewhere, attribute)))(
    '%s has a row where it is set',
    (attribute, operator, name, otherwise) => {
      const set = rows.filter(
        (one) =>
          keyOf(one) === operator && ![undefined, otherwise].includes(attributeOf(one, name)),
      );
      expect(set.length).toBeGreaterThan(0);
      const deciding = set.filter((one) => inferred(one) !== inferred(without(one, name)));
      if (keepsShape.has(attribute)) expect(deciding).toEqual([]);
      else expect(deciding.length).toBeGreaterThan(0);
    },
  );
});
