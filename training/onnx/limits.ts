/**
 * What is read of a model at most: whoever made the file, work and memory stay in proportion to it. Far above what
 * exporters write (a network of 24 layers has some thousand nodes); whatever is beyond is refused by a message that
 * names the limit.
 */
export const limits = {
  /** Nodes of a file: bodies and functions included, the latter as often as they are called. */
  nodes: 30_000,
  /** Nodes of a graph that is trained, without what its logits do not need: its gradients are some ten times as many. */
  trainedNodes: 8000,
  /** Parameters that are trained: each has gradient, moments and update of its own. */
  parameters: 4096,
  /** Weights and constants. */
  tensors: 100_000,
  /** Inputs, outputs, attributes, descriptions, and whatever else a file lists beside its nodes. */
  entries: 1_000_000,
  /** Integers of 64 bits in lists; those in raw data are not counted. */
  integers: 2 ** 23,
  /** Other numbers in lists; large lists of floats are read as raw data, and not counted either. */
  numbers: 2 ** 24,
  /** Messages inside one another, as every reader of such files has it. */
  depth: 100,
  /** Bytes of a name: of a value, node, operator, attribute, dimension. */
  name: 4096,
  /** Inputs that are fed, and outputs, of one graph; inputs and outputs of one node. */
  ports: 4096,
  /** Inputs of one graph, those with a default included. */
  inputs: 2 ** 16,
  /** Axes of a tensor. */
  axes: 64,
  /** The largest dimension; numbers beyond are not exact. */
  dimension: Number.MAX_SAFE_INTEGER,
  /** How many times as many bytes as a file has may be made of it: tensors at one place of a file, weights that are shared. */
  copies: 4,
  /** Bytes of weights that may be made besides. */
  copiedBytes: 2 ** 26,
} as const;
