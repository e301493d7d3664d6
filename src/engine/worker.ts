import { AppError, messageOf } from '../errors.ts';
import { endWithParent } from './end-with-parent.ts';
import type { EngineReply, EngineRequest, EngineSpec } from './protocol.ts';
import { isAlone } from './score.ts';
import type { Scorer } from './scorer.ts';
import { refuseChanged } from './verified-files.ts';

// The whole program of an inference process: it loads a model, scores what it is sent, one text at
// a time, and ends with the server.

let scorer: Scorer | undefined;

// Its parent may have gone already: then another process is its parent by now.
endWithParent(Number(process.argv[2] ?? process.ppid));

// Ctrl-C reaches every process of the terminal; accepted work is still to be finished.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.on('disconnect', () => process.exit(0));
process.on('message', (request: EngineRequest) => {
  void handle(request);
});

async function handle(request: EngineRequest): Promise<void> {
  if (request.type === 'load') {
    reply(await load(request.spec));
    tellMemory();
    setInterval(tellMemory, MEMORY_EVERY_MS).unref();
  } else if (scorer?.scoresTogether && !isAlone(request.options)) await scoreTogether(request);
  else reply(await score(request));
}

const MEMORY_EVERY_MS = 1_000;

/** A smaller change of the memory is none. */
const MEMORY_STEP_BYTES = 2 ** 20;

let toldBytes = 0;

/** The server cannot see the memory of another process on every system. */
function tellMemory(): void {
  const bytes = process.memoryUsage.rss();
  if (Math.abs(bytes - toldBytes) < MEMORY_STEP_BYTES) return;
  toldBytes = bytes;
  reply({ type: 'memory', bytes });
}

type ScoreRequest = Extract<EngineRequest, { type: 'score' }>;

/** What has come while texts were computed, to be computed together. */
const waiting: ScoreRequest[] = [];
let isBusy = false;

async function scoreTogether(request: ScoreRequest): Promise<void> {
  waiting.push(request);
  if (isBusy) return;
  isBusy = true;
  while (waiting.length > 0) {
    // The runtime has held the thread: what has been sent meanwhile is read first.
    await new Promise((resolve) => setImmediate(resolve));
    for (const message of await scoreAll(waiting.splice(0))) reply(message);
  }
  isBusy = false;
}

async function scoreAll(requests: readonly ScoreRequest[]): Promise<EngineReply[]> {
  const [first] = requests;
  const progress = () => first && reply({ type: 'progress', id: first.id });
  try {
    if (!scorer) throw new AppError('engine_failed', 'no model is loaded');
    const texts = requests.map(({ text }) => text);
    const scores = await scorer.scoreTogether(texts, progress);
    return requests.flatMap(({ id }, i) => {
      const score = scores[i];
      return score ? [{ type: 'scored', id, score }] : [];
    });
  } catch (error) {
    return requests.map(({ id }) => ({ type: 'error', id, message: messageOf(error) }));
  }
}

async function load(spec: EngineSpec): Promise<EngineReply> {
  const begun = performance.now();
  process.env.ORT_DISABLE_TELEMETRY = '1';
  try {
    // Imported late: the runtime reads the environment when it is loaded.
    const { Scorer } = await import('./scorer.ts');
    scorer = await Scorer.load(spec).catch(async (error: unknown) => {
      // A bundle that is being replaced may fail in many ways; this says which one it is.
      await refuseChanged(spec.files);
      throw error;
    });
    await refuseChanged(spec.files);
    return { type: 'ready', loadMs: performance.now() - begun };
  } catch (error) {
    const known = error instanceof AppError ? error : undefined;
    const hint = known?.hint;
    return {
      type: 'failed',
      code: known?.code ?? 'engine_failed',
      message: messageOf(error),
      ...(hint === undefined ? {} : { hint }),
    };
  }
}

async function score({
  id,
  text,
  options,
}: Extract<EngineRequest, { type: 'score' }>): Promise<EngineReply> {
  const progress = () => reply({ type: 'progress', id });
  try {
    if (!scorer) throw new AppError('engine_failed', 'no model is loaded');
    return { type: 'scored', id, score: await scorer.score(text, options, progress) };
  } catch (error) {
    return { type: 'error', id, message: messageOf(error) };
  }
}

function reply(message: EngineReply): void {
  // The server may go while this is on its way; `disconnect` then ends the process.
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}
