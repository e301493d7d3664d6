import type {
  AttributeProto,
  GraphProto,
  ModelProto,
  NodeProto,
  TensorProto,
  ValueInfoProto,
} from '../proto/onnx_pb.ts';

/**
 * What a file said beside what the graph IR holds: documentation, annotations, functions, unknown
 * fields.
 * It is kept as messages whose understood fields are emptied, and written back under the current
 * ones.
 */
export interface ModelExtras {
  readonly proto: ModelProto;
}

export interface GraphExtras {
  /** Its `value_info` describes values that the graph does not have. */
  readonly proto: GraphProto;
}

export interface NodeExtras {
  readonly proto: NodeProto;
  /** Attributes that say more than their value (documentation, a tensor's name). */
  readonly attributes: ReadonlyMap<string, AttributeProto>;
}

export interface ValueExtras {
  readonly info?: ValueInfoProto;
  /** Whether the description stands in the graph's `value_info`. */
  readonly listed?: boolean;
  readonly tensor?: TensorProto;
}

export const modelExtras = (owner: { extras?: unknown }): ModelExtras | undefined =>
  owner.extras as ModelExtras | undefined;

export const graphExtras = (owner: { extras: unknown }): GraphExtras | undefined =>
  owner.extras as GraphExtras | undefined;

export const nodeExtras = (owner: { extras: unknown }): NodeExtras | undefined =>
  owner.extras as NodeExtras | undefined;

export const valueExtras = (owner: { extras: unknown }): ValueExtras | undefined =>
  owner.extras as ValueExtras | undefined;

export function addValueExtras(owner: { extras: unknown }, more: ValueExtras): void {
  owner.extras = { ...valueExtras(owner), ...more };
}
