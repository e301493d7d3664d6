import { AppError } from '../../../src/errors.ts';
import type { ConstantMatrix } from '../../graph/facts/constant-matrix.ts';
import type { Graph, Value } from '../../onnx/graph.ts';
import { limits } from '../../onnx/limits.ts';
import { floatTensor, type Tensor, tensorOf } from '../../onnx/tensor.ts';
import { type RoundedMatrix, roundMatrix } from './round.ts';
import { type BlockForm, roundBlocks } from './round-blocks.ts';

/** A rounded matrix in the graph: its 8-bit values and their scales. */
export interface RoundedWeight extends Pick<RoundedMatrix, 'rows' | 'columns' | 'error'> {
  /** int8 [rows, columns]; in blocks: uint8 [columns, blocks, bytes of a block]. */
  readonly values: Value;
  /** float32 [columns] of a product, [rows, 1] of a table, [columns, blocks] in blocks. */
  readonly scales: Value;
}

/** Puts rounded weights into a graph, each once, however many nodes read it. */
export class RoundedWeights {
  readonly #graph: Graph;
  readonly #made = new Map<string, RoundedWeight>();
  /** Exporters split a shared weight into values of one tensor. */
  readonly #ids = new Map<Tensor, number>();

  #bytes = 0;
  /** A weight is rounded for each factor that it is multiplied by. */
  readonly #most: number;

  constructor(graph: Graph) {
    this.#graph = graph;
    const bytes = graph.initializers.map(({ initializer }) => initializer?.bytes.length ?? 0);
    const constants = [...graph.nodes].flatMap(({ attributes }) => {
      const value = attributes.get('value');
      return value?.kind === 'tensor' ? [value.value.bytes.length] : [];
    });
    const all = [...bytes, ...constants].reduce((sum, size) => sum + size, 0);
    this.#most = limits.copies * all + limits.copiedBytes;
  }

  /** The weight of a product, [rows, columns], a scale for each column; `factor` multiplies the scales. */
  product(matrix: ConstantMatrix, name: string, limit: number, factor = 1): RoundedWeight {
    return this.#once(`${this.#key(matrix)} product ${limit} ${factor}`, () => {
      const rounded = roundMatrix(matrix, 'column', limit);
      const { rows, columns, values } = rounded;
      const scales = floatTensor(
        [columns],
        rounded.scales.map((scale) => scale * factor),
      );
      return this.#add(rounded, name, tensorOf('int8', [rows, columns], values), scales);
    });
  }

  /** A table that is looked up row by row, a scale for each row. */
  table(matrix: ConstantMatrix, name: string, limit: number): RoundedWeight {
    return this.#once(`${this.#key(matrix)} table`, () => {
      const rounded = roundMatrix(matrix, 'row', limit);
      const { rows, columns, values, scales } = rounded;
      const tensor = tensorOf('int8', [rows, columns], values);
      return this.#add(rounded, name, tensor, floatTensor([rows, 1], scales));
    });
  }

  /** The weight of a product in blocks, as MatMulNBits reads it; `factor` multiplies the scales. */
  blocks(matrix: ConstantMatrix, name: string, form: BlockForm, factor = 1): RoundedWeight {
    return this.#once(`${this.#key(matrix)} blocks ${form.bits} ${form.size} ${factor}`, () => {
      const rounded = roundBlocks(matrix, form);
      const { rows, columns, values } = rounded;
      const blocks = Math.ceil(rows / form.size);
      const tensor = tensorOf('uint8', [columns, blocks, (form.size * form.bits) / 8], values);
      const scales = rounded.scales.map((scale) => scale * factor);
      return this.#add(rounded, name, tensor, floatTensor([columns, blocks], scales));
    });
  }

  #add(
    { rows, columns, error }: Pick<RoundedMatrix, 'rows' | 'columns' | 'error'>,
    name: string,
    values: Tensor,
    scales: Tensor,
  ): RoundedWeight {
    this.#bytes += values.bytes.length;
    if (this.#bytes > this.#most) {
      throw new AppError(
        'model_invalid',
        `the graph reads its weights in so many ways that they would be rounded to more than ${this.#most} bytes`,
      );
    }
    const add = (hint: string, tensor: Tensor): Value =>
      this.#graph.addInitializer(this.#graph.freshName(`${name}_${hint}`), tensor);
    return { rows, columns, error, values: add('quantized', values), scales: add('scale', scales) };
  }

  #key({ tensor, transposed }: ConstantMatrix): string {
    const id = this.#ids.get(tensor) ?? this.#ids.size;
    this.#ids.set(tensor, id);
    return `${id} ${transposed}`;
  }

  #once(key: string, make: () => RoundedWeight): RoundedWeight {
    const known = this.#made.get(key) ?? make();
    this.#made.set(key, known);
    return known;
  }
}
