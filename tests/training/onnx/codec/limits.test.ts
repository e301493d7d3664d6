import { create, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import { scanModel } from '../../../../training/onnx/codec/scan.ts';
import { limits } from '../../../../training/onnx/limits.ts';
import { ModelProtoSchema } from '../../../../training/onnx/proto/onnx_pb.ts';

/** A function whose inputs have no names: the function is an entry, and so is each of its inputs. */
function namedInputs(count: number): Uint8Array {
  const functions = [{ input: new Array<string>(count).fill('') }];
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, { functions }));
}

/** Metadata: each is an entry, and has two texts that are none. */
function metadata(count: number): Uint8Array {
  const metadataProps = new Array(count).fill({ key: 'k', value: 'v' });
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, { metadataProps }));
}

describe('the limit of entries', () => {
  it('counts each text of a list', () => {
    expect(() => scanModel(namedInputs(limits.entries - 1), false)).not.toThrow();
    expect(() => scanModel(namedInputs(limits.entries), false)).toThrow(
      /it has more than 1000000 entries/,
    );
  });

  it('does not count a text that stands alone', () => {
    expect(() => scanModel(metadata(Math.ceil(limits.entries / 2)), false)).not.toThrow();
  });
});
