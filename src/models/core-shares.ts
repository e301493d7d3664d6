/**
 * Engines of each of several models that say no number themselves: the cores divided among them, at
 * least one each; what is left over is the default model's. `isDefault` says of each whether it is that.
 */
export function coreShares(cores: number, isDefault: readonly boolean[]): number[] {
  const share = Math.max(1, Math.floor(cores / isDefault.length));
  const rest = Math.max(0, cores - share * isDefault.length);
  return isDefault.map((is) => share + (is ? rest : 0));
}
