import { InferenceSession, Tensor } from '../../dist/training/runtime/onnxruntime.js';

/** As the server's engines have it. */
export const settings = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  graphOptimizationLevel: 'all',
  logSeverityLevel: 3,
  extra: { session: { x64quantprecision: '1' } },
};

export const openSession = (bytes) => InferenceSession.create(bytes, settings);

const tensor = (values, dims) => new Tensor('int64', BigInt64Array.from(values, BigInt), dims);
const range = (length) => Array.from({ length }, (_, i) => i);

/** [texts, longest] from what `of` says of a text's token; `padding` behind the end of a text. */
function rectangle(texts, longest, padding, of) {
  const values = texts.flatMap((ids, text) =>
    range(longest).map((i) => (i < ids.length ? of(ids, i, text) : padding)),
  );
  return tensor(values, [texts.length, longest]);
}

/** Every input that a graph of ours may have, from texts as arrays of token ids; made where it is asked for. */
const inputs = {
  batch: {
    input_ids: (texts, { longest }) => rectangle(texts, longest, 0, (ids, i) => ids[i]),
    token_type_ids: (texts, { longest }) => rectangle(texts, longest, 0, () => 0),
    attention_mask: (texts, { longest }) => rectangle(texts, longest, 0, () => 1),
  },
  row: {
    input_ids: (texts, { size }) => tensor(texts.flat(), [1, size]),
    token_type_ids: (_, { size }) => tensor(new Array(size).fill(0), [1, size]),
    position_ids: (texts, { size }) =>
      tensor(
        texts.flatMap(({ length }) => range(length)),
        [1, size],
      ),
    text_ids: (texts, { size }) =>
      tensor(
        texts.flatMap(({ length }, text) => new Array(length).fill(text)),
        [1, size],
      ),
    cls_positions: (_, { starts }) => tensor(starts, [starts.length]),
    attention_mask: (texts, { longest }) => rectangle(texts, longest, 0, () => 1),
    places: (texts, { longest, starts }) =>
      rectangle(texts, longest, 0, (_, i, text) => starts[text] + i),
    back: (texts, { longest, size }) =>
      tensor(
        texts.flatMap(({ length }, text) => range(length).map((i) => text * longest + i)),
        [size],
      ),
  },
};

inputs['row as one text'] = {
  ...inputs.row,
  text_ids: (_, { size }) => tensor(new Array(size).fill(0), [1, size]),
};

/** The feeds of texts laid out as a padded `batch` or as one `row`. */
export function feedsOf(session, layout, texts) {
  let size = 0;
  const starts = texts.map(({ length }) => {
    size += length;
    return size - length;
  });
  const facts = { longest: Math.max(...texts.map(({ length }) => length)), starts, size };
  return Object.fromEntries(
    session.inputNames.map((name) => [name, inputs[layout][name](texts, facts)]),
  );
}

/** Texts by a session in one run; the logits of each. */
async function scored(session, layout, texts) {
  const { logits } = await session.run(feedsOf(session, layout, texts));
  const labels = logits.dims.at(-1);
  return texts.map((_, i) => logits.data.slice(i * labels, (i + 1) * labels));
}

/**
 * How a group of texts can be scored: each form takes texts as arrays of ids and gives their logits. `oneText`: the mask
 * takes a row for one text, which is wrong.
 */
export function formsOf({ deployed, masked, apart, perToken }, { oneText = false } = {}) {
  const forms = {
    alone: async (texts) => {
      const all = [];
      for (const text of texts) all.push(...(await scored(deployed, 'batch', [text])));
      return all;
    },
    packed: (texts) => scored(masked, oneText ? 'row as one text' : 'row', texts),
    'packed, attention apart': (texts) => scored(apart, 'row', texts),
    batch: (texts) => scored(deployed, 'batch', texts),
  };
  if (perToken) forms['packed, scale per token'] = (texts) => scored(perToken, 'row', texts);
  return forms;
}
