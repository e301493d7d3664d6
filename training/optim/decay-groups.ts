/** Modules whose parameters only shift and scale: decaying them gains nothing. */
const normalisation = /(^|[._])(layer_?norm|ln|norm)\w*\./i;

/** Whether weight decay applies: not to biases, nor to parameters of LayerNorm, nor to other vectors. */
export function decays(name: string, shape: readonly number[]): boolean {
  return shape.length > 1 && !name.endsWith('bias') && !normalisation.test(name);
}
