import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import { scanModel } from '../../../../training/onnx/codec/scan.ts';
import { limits } from '../../../../training/onnx/limits.ts';
import {
  type AttributeProtoSchema,
  ModelProtoSchema,
} from '../../../../training/onnx/proto/onnx_pb.ts';

/** A file that repeats what a model lists: two files behind one another are one, whose lists are longer. */
function repeated(model: MessageInitShape<typeof ModelProtoSchema>, times: number): Uint8Array {
  const once = toBinary(ModelProtoSchema, create(ModelProtoSchema, model));
  return Buffer.alloc(once.length * times, once);
}

/** Graphs inside one another, the innermost with an attribute that is `last`: a graph takes three levels. */
function nested(levels: number, last: MessageInitShape<typeof AttributeProtoSchema>): Uint8Array {
  let attribute = last;
  for (let i = 0; i < levels; i++) attribute = { g: { node: [{ attribute: [attribute] }] } };
  const graph = { node: [{ attribute: [attribute] }] };
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, { graph }));
}

describe('the limit of depth', () => {
  // The model, its graph, the node and the attribute are 4 levels.
  const levels = (limits.depth - 4) / 3;

  it('is the depth that is still read', () => {
    expect(levels).toBe(32);
    expect(() => scanModel(nested(levels, {}), false)).not.toThrow();
    expect(() => scanModel(nested(levels, { g: {} }), false)).toThrow(
      /its messages are nested more than 100 deep/,
    );
  });
});

describe('the limit of entries', () => {
  const half = limits.entries / 2;

  it('counts each text of a list', () => {
    // The function is an entry, and so is the name of its input.
    const model = { functions: [{ input: ['x'] }] };
    expect(() => scanModel(repeated(model, half), false)).not.toThrow();
    expect(() => scanModel(repeated(model, half + 1), false)).toThrow(
      /it has more than 1000000 entries/,
    );
  });

  it('does not count a text that stands alone', () => {
    const model = { metadataProps: [{ key: 'k', value: 'v' }] };
    expect(() => scanModel(repeated(model, half), false)).not.toThrow();
  });
});
