/** A pattern for names in a graph, in which * stands for any characters: as a regular expression of the whole name. */
export function namePattern(pattern: string): RegExp {
  const literal = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${literal.join('.*')}$`);
}
