/**
 * What is read of a model at most: whoever made the file, work and memory stay in proportion to it. Far above what
 * exporters write (a network of 48 layers has some 10,000 nodes); whatever is beyond is refused by a message that
 * names the limit.
 */
export const limits = {
  /** Nodes of a file: bodies and functions included, the latter as often as they are called. */
  nodes: 50_000,
  /** Inputs, outputs, attributes, descriptions, and whatever else a file lists beside its nodes. */
  entries: 1_500_000,
  /** Integers of 64 bits in lists; those in raw data are not counted. */
  integers: 2 ** 23,
  /** Other numbers in lists. */
  numbers: 2 ** 26,
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
  /** How often the bytes of external data files may be read: several tensors may lie at one place. */
  externalShares: 4,
} as const;
