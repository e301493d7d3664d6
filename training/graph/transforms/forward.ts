import type { Graph } from '../../onnx/graph.ts';
import { selectRowsEarly } from './select-row.ts';
import { shapesFromInputs } from './shapes-from-inputs.ts';

/** The compiler's own passes over a forward graph: the same numbers with less work. */
export function rewriteForward(graph: Graph): void {
  shapesFromInputs(graph);
  selectRowsEarly(graph);
}
