import { describe, expect, it } from '@jest/globals';
import { attributesOf } from '../../../../training/onnx/attributes.ts';
import { formatShape } from '../../../../training/onnx/dim.ts';
import { Graph, type Value } from '../../../../training/onnx/graph.ts';
import { inferGraph } from '../../../../training/onnx/shapes/infer.ts';
import { differencesFromRuntime } from '../../../support/inferred-shapes.ts';
import { type Row, rows } from './operator-rows.ts';

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
    expect(await differencesFromRuntime(graph, sizes)).toEqual([]);
  });
});
