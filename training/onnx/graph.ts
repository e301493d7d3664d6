import { AppError } from '../../src/errors.ts';
import { bareName, nameShown } from '../../src/files/index.ts';
import type { Attribute } from './attributes.ts';
import type { Dim, Shape } from './dim.ts';
import type { DataType, Tensor } from './tensor.ts';

/** One place where a value is read: input `index` of `node`. */
export interface Use {
  readonly node: Node;
  readonly index: number;
}

/** A tensor that flows through a graph: a graph input, an initializer or an output of a node. */
export class Value {
  name: string;
  type: DataType | undefined;
  shape: Shape | undefined;
  /** Elements of a small integer tensor of rank 0 or 1, as far as shape inference knows them. */
  content: readonly (Dim | undefined)[] | undefined;
  producer: Node | undefined;
  initializer: Tensor | undefined;
  /** What the file said beside name, type and shape; the codec's own. */
  extras: unknown;
  readonly uses = new Set<Use>();

  constructor(name: string, type?: DataType, shape?: Shape) {
    this.name = name;
    this.type = type;
    this.shape = shape;
  }

  /** For messages: the name, quoted. */
  toString(): string {
    return nameShown(this.name);
  }
}

export interface NodeInit {
  readonly op: string;
  readonly inputs: readonly (Value | undefined)[];
  /** Names of the outputs; '' for an optional output that is not wanted. */
  readonly outputs: readonly string[];
  readonly attributes?: ReadonlyMap<string, Attribute>;
  readonly domain?: string;
  readonly name?: string;
}

/** One application of an operator. Inputs and outputs that are left out are `undefined`. */
export class Node {
  readonly graph: Graph;
  readonly op: string;
  readonly domain: string;
  name: string;
  readonly attributes: Map<string, Attribute>;
  /** `metadata_props`: the dynamo exporter names the module here. */
  readonly metadata = new Map<string, string>();
  extras: unknown;
  outputs: readonly (Value | undefined)[] = [];
  #inputs: (Value | undefined)[] = [];
  #uses: (Use | undefined)[] = [];

  constructor(graph: Graph, init: NodeInit) {
    this.graph = graph;
    this.op = init.op;
    this.domain = init.domain === 'ai.onnx' ? '' : (init.domain ?? '');
    this.name = init.name ?? '';
    this.attributes = new Map(init.attributes);
    init.inputs.forEach((value, index) => {
      this.setInput(index, value);
    });
  }

  get inputs(): readonly (Value | undefined)[] {
    return this.#inputs;
  }

  /** Whether the value at an input counts it among its uses. */
  isUse(index: number): boolean {
    const use = this.#uses[index];
    return use !== undefined && this.#inputs[index]?.uses.has(use) === true;
  }

  setInput(index: number, value: Value | undefined): void {
    const before = this.#uses[index];
    if (before !== undefined) this.#inputs[index]?.uses.delete(before);
    this.#inputs[index] = value;
    const use = value && { node: this, index };
    this.#uses[index] = use;
    if (use) value.uses.add(use);
  }

  int(name: string): number | undefined {
    const attribute = this.attributes.get(name);
    return attribute?.kind === 'int' ? attribute.value : undefined;
  }

  float(name: string): number | undefined {
    const attribute = this.attributes.get(name);
    return attribute?.kind === 'float' ? attribute.value : undefined;
  }

  ints(name: string): readonly number[] | undefined {
    const attribute = this.attributes.get(name);
    return attribute?.kind === 'ints' ? attribute.value : undefined;
  }

  string(name: string): string | undefined {
    const attribute = this.attributes.get(name);
    return attribute?.kind === 'string' ? attribute.value : undefined;
  }

  /** For messages: the operator, with its domain unless that is the default one. */
  get operator(): string {
    return bareName(this.domain === '' ? this.op : `${this.domain}:${this.op}`);
  }

  /** For messages: `MatMul "/layer.0/attention/q_lin/MatMul"`. */
  toString(): string {
    return `${this.operator} ${nameShown(this.name || (this.outputs.find((v) => v)?.name ?? ''))}`;
  }
}

/**
 * A graph of nodes and values. Values know their producer and uses; names are unique. Body graphs of
 * control flow have an `outer` graph whose values they may read.
 */
export class Graph {
  name: string;
  readonly outer: Graph | undefined;
  /** Version of each operator set, by domain ('' is the default one). Body graphs share the outer graph's. */
  readonly opsets: Map<string, number>;
  readonly inputs: Value[] = [];
  readonly outputs: Value[] = [];
  readonly nodes = new Set<Node>();
  extras: unknown;
  readonly #values = new Map<string, Value>();
  readonly #inputs = new Set<Value>();
  readonly #counters = new Map<string, number>();
  readonly #nodeNames = new Set<string>();
  readonly #nodeCounters = new Map<string, number>();

  constructor(name: string, options: { opset?: number; outer?: Graph } = {}) {
    this.name = name;
    this.outer = options.outer;
    this.opsets = options.outer?.opsets ?? new Map([['', options.opset ?? 17]]);
  }

  get opset(): number {
    return this.opsets.get('') ?? 1;
  }

  /** Every value of this graph (not of outer ones), by name. */
  get values(): ReadonlyMap<string, Value> {
    return this.#values;
  }

  get initializers(): Value[] {
    return [...this.#values.values()].filter((value) => value.initializer !== undefined);
  }

  /** The value of this name here or in an outer graph. */
  find(name: string): Value | undefined {
    return this.#values.get(name) ?? this.outer?.find(name);
  }

  /** A name that no value of this graph or an outer one has, made from a hint. */
  freshName(hint: string): string {
    if (this.find(hint) === undefined) return hint;
    for (let n = this.#counters.get(hint) ?? 1; ; n++) {
      const name = `${hint}_${n}`;
      if (this.find(name) === undefined) {
        this.#counters.set(hint, n + 1);
        return name;
      }
    }
  }

  /** A name that no node of this graph has had: the runtime refuses two nodes of one name. */
  freshNodeName(hint: string): string {
    if (!this.#nodeNames.has(hint)) return hint;
    for (let n = this.#nodeCounters.get(hint) ?? 1; ; n++) {
      const name = `${hint}_${n}`;
      if (this.#nodeNames.has(name)) continue;
      this.#nodeCounters.set(hint, n);
      return name;
    }
  }

  addInput(name: string, type: DataType | undefined, shape: Shape | undefined): Value {
    const value = this.#define(new Value(name, type, shape));
    this.#addToInputs(value);
    return value;
  }

  addInitializer(name: string, tensor: Tensor): Value {
    const value = this.#define(new Value(name, tensor.type, tensor.dims));
    value.initializer = tensor;
    return value;
  }

  addNode(init: NodeInit): Node {
    const node = new Node(this, init);
    node.outputs = init.outputs.map((name) => {
      if (name === '') return undefined;
      const value = this.#define(new Value(name));
      value.producer = node;
      return value;
    });
    this.nodes.add(node);
    this.#nodeNames.add(node.name);
    return node;
  }

  /** The optional output `index` of a node, made if it is not there yet. */
  ensureOutput(node: Node, index: number, hint: string): Value {
    const known = node.outputs[index];
    if (known !== undefined) return known;
    const value = this.#define(new Value(this.freshName(hint)));
    value.producer = node;
    node.outputs = Array.from({ length: Math.max(node.outputs.length, index + 1) }, (_, i) =>
      i === index ? value : node.outputs[i],
    );
    return value;
  }

  /** Removes a node whose outputs nobody reads any more. */
  removeNode(node: Node): void {
    for (const output of node.outputs) {
      if (output === undefined) continue;
      if (output.uses.size > 0 || this.outputs.includes(output)) {
        throw new AppError(
          'internal',
          `${node} cannot be removed: ${nameShown(output.name)} is still read`,
        );
      }
      this.#values.delete(output.name);
    }
    node.inputs.forEach((_, index) => {
      node.setInput(index, undefined);
    });
    this.nodes.delete(node);
  }

  /** Removes an initializer or graph input that nobody reads. */
  removeValue(value: Value): void {
    if (value.producer || value.uses.size > 0 || this.outputs.includes(value)) {
      throw new AppError(
        'internal',
        `value ${nameShown(value.name)} cannot be removed: it is still in use`,
      );
    }
    this.#values.delete(value.name);
    if (this.#inputs.delete(value)) this.inputs.splice(this.inputs.indexOf(value), 1);
  }

  /** Lets every reader of `from`, graph outputs included, read `to`. */
  replaceUses(from: Value, to: Value): void {
    for (const { node, index } of [...from.uses]) node.setInput(index, to);
    this.outputs.forEach((output, i) => {
      if (output === from) this.outputs[i] = to;
    });
  }

  rename(value: Value, name: string): void {
    if (value.name === name) return;
    if (this.find(name) !== undefined) {
      throw new AppError(
        'internal',
        `${nameShown(value.name)} cannot become ${nameShown(name)}: the name is taken`,
      );
    }
    this.#values.delete(value.name);
    value.name = name;
    this.#values.set(name, value);
  }

  /** Makes an initializer a graph input, so that its value is fed at every run. */
  promoteToInput(value: Value): void {
    value.initializer = undefined;
    this.#addToInputs(value);
  }

  /** Whether a value is among the inputs, those with a default included. */
  isInput(value: Value): boolean {
    return this.#inputs.has(value);
  }

  #addToInputs(value: Value): void {
    if (this.#inputs.has(value)) return;
    this.#inputs.add(value);
    this.inputs.push(value);
  }

  /** The nodes so that each stands after the producers of what it reads; stable. Throws on a cycle. */
  topologicalOrder(): Node[] {
    const order: Node[] = [];
    const state = new Map<Node, 'open' | 'done'>();
    for (const root of this.nodes) {
      const stack: Node[] = [root];
      for (let node = stack.at(-1); node !== undefined; node = stack.at(-1)) {
        if (state.get(node) === 'done') {
          stack.pop();
          continue;
        }
        const waiting = this.#producersOf(node).filter(
          (producer) => state.get(producer) !== 'done',
        );
        if (waiting.length === 0) {
          state.set(node, 'done');
          order.push(node);
          stack.pop();
        } else if (state.get(node) === 'open') {
          throw new AppError('model_invalid', `the graph has a cycle through ${node}`);
        } else {
          state.set(node, 'open');
          // One by one: the arguments of a call have a limit that files do not know of.
          for (const producer of waiting.reverse()) stack.push(producer);
        }
      }
    }
    return order;
  }

  /** Producers, within this graph, of what a node and the bodies inside it read. */
  #producersOf(node: Node): Node[] {
    const producers = valuesReadBy(node).flatMap(({ producer }) =>
      producer?.graph === this ? [producer] : [],
    );
    return [...new Set(producers)];
  }

  #define(value: Value): Value {
    if (value.name === '' || this.#values.has(value.name)) {
      throw new AppError(
        'model_invalid',
        `the name ${nameShown(value.name)} is empty or defined twice in the graph`,
      );
    }
    this.#values.set(value.name, value);
    return value;
  }
}

/** The values that a node reads: its inputs, and what the bodies inside it read. */
function valuesReadBy(node: Node): Value[] {
  const bodies = [...node.attributes.values()].flatMap((a) =>
    a.kind === 'graph' ? [a.value] : [],
  );
  const inside = bodies.flatMap((body) => [
    ...[...body.nodes].flatMap(valuesReadBy),
    ...body.outputs,
  ]);
  return [...node.inputs.filter((value) => value !== undefined), ...inside];
}
