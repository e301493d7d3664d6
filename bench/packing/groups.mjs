/** Different texts of one length. */
export const textsOf = (count, length, vocabulary) =>
  Array.from({ length: count }, (_, text) =>
    Array.from({ length }, (_, i) => 1 + (((i + 1) * 7919 + text * 104729) % (vocabulary - 1))),
  );

/** Neighbours as they come, `size` of them each. */
export const groupsOf = (texts, size) =>
  Array.from({ length: Math.floor(texts.length / size) }, (_, i) =>
    texts.slice(i * size, (i + 1) * size),
  );
