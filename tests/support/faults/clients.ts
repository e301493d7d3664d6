/** What a prediction is told apart by. */
export interface Outcome {
  readonly status: number;
  /** Of the header Retry-After, in seconds; NaN where there is none. */
  readonly retryAfter: number;
  /** The answer's version of the model and its scores; undefined where it is none. */
  readonly answer: { readonly version: string; readonly scores: readonly number[] } | undefined;
}

const words =
  'quiet evening garden argue plans long warm day friends come reading alone party'.split(' ');

/** A text of so many words, another for every seed. */
export const textOf = (length: number, seed: number) =>
  Array.from(
    { length },
    (_, i) => words[(i * 7 + seed * 3 + ((i * seed) % 5)) % words.length],
  ).join(' ');

/** Rejects where the connection breaks. */
export async function predict(url: string, text: string, timeoutMs?: number): Promise<Outcome> {
  const response = await fetch(`${url}/predict`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(timeoutMs === undefined ? {} : { 'x-request-timeout-ms': String(timeoutMs) }),
    },
    body: JSON.stringify({ text }),
  });
  const body = JSON.parse(await response.text());
  const { status, headers } = response;
  const retryAfter = Number(headers.get('retry-after') ?? Number.NaN);
  if (status !== 200) return { status, retryAfter, answer: undefined };
  const scores = body.dimensions.map(({ score }: { score: number }) => score);
  return { status, retryAfter, answer: { version: body.model.version, scores } };
}

/** Clients that each send one text after another until `stop`; resolves to all that they were told. */
export function startClients(url: () => string, texts: readonly string[]) {
  let isOver = false;
  const outcomes: (Outcome & { readonly text: string })[] = [];
  const client = async (text: string) => {
    while (!isOver) outcomes.push({ text, ...(await predict(url(), text)) });
  };
  const running = Promise.all(texts.map(client));
  return {
    outcomes,
    stop: async () => {
      isOver = true;
      await running;
      return outcomes;
    },
  };
}
