/** Beginnings of what is found in place of a file, what that is, and what to do about it. */
const strangers: readonly (readonly [beginning: string, what: string, hint: string])[] = [
  [
    'version https://git-lfs.github.com/spec/',
    'a Git LFS pointer in place of the file itself',
    'fetch the file: git lfs pull in the repository that it is from, or download it by itself',
  ],
  [
    'PK\u0003\u0004',
    'a ZIP archive (PyTorch writes such files)',
    'unpack it, or name another file',
  ],
  ['\u001f\u008b', 'compressed (gzip)', 'unpack it, or name another file'],
  ['<', 'a web page or XML', 'download the file itself again: a page came in its place'],
];

/** What stands in place of a file that does not begin as it should; undefined where that is not known. */
export function strangerOf(
  bytes: Uint8Array,
): { readonly what: string; readonly hint: string } | undefined {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 64));
  const text = start.toString('latin1');
  const found = strangers.find(([beginning]) => text.startsWith(beginning));
  return found && { what: found[1], hint: found[2] };
}
