import { type AxisConfig, type Config, labelCodes } from '../../src/config/index.ts';
import { shown } from '../../src/files/index.ts';

/** The label cells of a row as numbers, or why they are none. */
export type LabelReader = (cells: readonly string[]) => Float32Array | string;

/** Which columns hold the labels, and how their cells are read. */
export function labelReader(task: Config['task']): {
  columns: readonly string[];
  read: LabelReader;
} {
  const { axes, label_column: column } = task;
  if (column === null) {
    return { columns: axes.map((axis) => axis.column ?? axis.name), read: fromColumns(axes) };
  }
  return { columns: [column], read: fromCode(axes, column) };
}

/** One cell with a code of one label per axis, such as INFP. */
function fromCode(axes: readonly AxisConfig[], column: string): LabelReader {
  const codes = labelCodes(axes);
  const allowed = axes.map(({ labels }) => labels.join(' or ')).join(', then ');
  return ([cell = '']) => {
    const values = codes.get(cell.trim());
    if (values) return Float32Array.from(values, Number);
    return `${column} is ${shown(cell)}: expected ${allowed}`;
  };
}

/** One cell an axis. */
function fromColumns(axes: readonly AxisConfig[]): LabelReader {
  return (cells) => {
    const values = new Float32Array(axes.length);
    for (const [i, { labels, column }] of axes.entries()) {
      const at = labels.indexOf((cells[i] ?? '').trim());
      if (at < 0) return `${column} is ${shown(cells[i] ?? '')}: expected ${labels.join(' or ')}`;
      values[i] = at === 0 ? 1 : 0;
    }
    return values;
  };
}
