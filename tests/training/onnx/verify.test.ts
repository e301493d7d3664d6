import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { attributesOf } from '../../../training/onnx/attributes.ts';
import { GraphBuilder } from '../../../training/onnx/builder.ts';
import { readModel } from '../../../training/onnx/codec/index.ts';
import { Graph, type Value } from '../../../training/onnx/graph.ts';
import { inferGraph } from '../../../training/onnx/shapes/infer.ts';
import { floatTensor, intTensor } from '../../../training/onnx/tensor.ts';
import { problemsOf, verify, verifyRules } from '../../../training/onnx/verify.ts';

const folder = new URL('../../fixtures/', import.meta.url).pathname;

/** x [2, 3] → Relu → y, sound. */
function sound() {
  const graph = new Graph('g');
  const x = graph.addInput('x', 'float32', [2, 3]);
  const builder = new GraphBuilder(graph);
  const y = builder.op('Relu', [x], {}, { outputs: ['y'] });
  graph.outputs.push(y);
  return { graph, builder, x, y };
}

const files: string[] = JSON.parse(readFileSync(`${folder}index.json`, 'utf8'))
  .graphs.map((graph: { file: string }) => graph.file)
  .filter((file: string) => existsSync(`${folder}${file}`));

describe('a sound graph', () => {
  it('has no problems', () => {
    expect(problemsOf(sound().graph)).toEqual([]);
  });

  it.each(files)('is what exporters write: %s', async (file) => {
    const { graph } = await readModel(`${folder}${file}`);
    inferGraph(graph);
    expect(problemsOf(graph)).toEqual([]);
  });
});

type Broken = ReturnType<typeof sound>;

/** One way to break a sound graph for each rule, or more. */
const breakages: readonly [string, (broken: Broken) => void, RegExp][] = [
  [
    'every value read has a source',
    ({ graph, builder, x }) => {
      const lost = builder.op('Neg', [x], {}, { outputs: ['lost'] });
      builder.op('Abs', [lost], {}, { outputs: ['z'] });
      graph.nodes.delete(lost.producer!);
    },
    /Abs "z" reads "lost", which nothing produces/,
  ],
  [
    'names are unique',
    ({ builder, x }) => {
      builder.op('Neg', [x], {}, { outputs: ['z'] }).name = 'y';
    },
    /"y" is defined twice: by Relu "y" and by Neg "z"/,
  ],
  [
    'values know their producers',
    ({ y }) => {
      y.producer = undefined;
    },
    /Relu "y" makes "y", which does not name it/,
  ],
  [
    'there is no cycle',
    ({ y, builder }) => y.producer!.setInput(0, builder.neg(y)),
    /cycle through/,
  ],
  [
    'use lists are right',
    ({ x }) => x.uses.clear(),
    /input 0 of Relu "y" is missing among the uses of "x"/,
  ],
  [
    'use lists are right',
    ({ x, y }) => void x.uses.add({ node: y.producer!, index: 3 }),
    /"x" claims to be input 3 of Relu "y"/,
  ],
  ['graph outputs exist', ({ graph }) => void graph.outputs.splice(0), /graph "g" has no outputs/],
  [
    'graph outputs exist',
    ({ graph }) => void graph.outputs.push(new Graph('other').addInput('alien', 'float32', [])),
    /graph output "alien" is produced by nothing/,
  ],
  [
    'initializers have the bytes of their shape',
    ({ graph }) => void graph.addInitializer('w', floatTensor([3], new Float32Array(2))),
    /initializer "w", float32 \[3\], has 8 bytes instead of 12/,
  ],
  [
    'operands have one type',
    ({ graph, builder, x }) =>
      void builder.op(
        'Add',
        [x, graph.addInitializer('i', intTensor([3], [1, 2, 3]))],
        {},
        { outputs: ['z'] },
      ),
    /Add "z" mixes inputs of types float32 and int64/,
  ],
  [
    'inputs have a type their operator takes',
    ({ builder, x }) => void builder.op('Gather', [x, x], {}, { outputs: ['z'] }),
    /input 1 of Gather "z" is float32; it must be int64 or int32/,
  ],
  [
    'required attributes are there',
    ({ builder, x }) => void builder.op('Cast', [x], {}, { outputs: ['z'] }),
    /Cast "z" lacks the attribute "to"/,
  ],
  [
    'axes exist',
    ({ builder, x }) => void builder.op('Softmax', [x], { axis: 2 }, { outputs: ['z'] }),
    /Softmax "z" names axis 2 of \[2, 3\]/,
  ],
  [
    'axes exist',
    ({ graph, x }) =>
      void graph.addNode({
        op: 'Transpose',
        inputs: [x],
        outputs: ['z'],
        attributes: attributesOf({ perm: [0, 0] }),
      }),
    /Transpose "z" permutes \[2, 3\] by \[0, 0\]/,
  ],
  [
    'types and ranks are known',
    ({ graph }) => void graph.addInput('unknown', undefined, undefined),
    /the element type of "unknown" is not known/,
  ],
  [
    'types and ranks are known',
    ({ y }) => {
      y.shape = undefined;
    },
    /the rank of "y" \(of Relu "y"\) is not known/,
  ],
];

describe('a broken graph', () => {
  it.each(breakages)('%s, or it is told', (_, breakIt, message) => {
    const broken = sound();
    breakIt(broken);
    expect(problemsOf(broken.graph).join('\n')).toMatch(message);
  });

  it('can be had for every rule', () => {
    const tried = new Set(breakages.map(([rule]) => rule));
    expect(verifyRules.map((rule) => rule.name).filter((name) => !tried.has(name))).toEqual([]);
  });

  it('is refused with all its problems at once', () => {
    const { graph, builder, x } = sound();
    graph.addInitializer('w', floatTensor([3], new Float32Array(2)));
    builder.op('Cast', [x], {}, { outputs: ['z'] });
    const check = () => verify(graph);
    expect(check).toThrow(/2 problems/);
    expect(check).toThrow(/initializer "w"/);
    expect(check).toThrow(/Cast "z"/);
  });

  it('is found inside bodies', () => {
    const { graph, builder } = sound();
    const condition = graph.addInput('c', 'bool', []);
    const branch = (name: string, value: Value) => {
      const body = new Graph(name, { outer: graph });
      body.outputs.push(body.addNode({ op: 'Cast', inputs: [value], outputs: [name] }).outputs[0]!);
      return { kind: 'graph', value: body } as const;
    };
    builder.op(
      'If',
      [condition],
      { then_branch: branch('a', condition), else_branch: branch('b', condition) },
      { outputs: ['out'] },
    );
    expect(problemsOf(graph).join('\n')).toMatch(/in the body of If "out": Cast "a" lacks/);
  });
});
