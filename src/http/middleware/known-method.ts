const methods: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
]);

/** The method, unless nobody should send it: labels must not grow with what clients invent. */
export function knownMethod(method: string): string | undefined {
  return methods.has(method) ? method : undefined;
}
