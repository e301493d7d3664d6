import type { KnownResult } from '../cache/index.ts';
import { AppError } from '../errors.ts';
import type { Scheduler, ScoredText } from '../scheduler/index.ts';
import type { RequestSpan } from '../telemetry/index.ts';
import type { AppDeps } from './deps.ts';

/** What a text came to, now or before. */
export type TextResult = KnownResult & Pick<ScoredText, 'explanation'>;

/**
 * The results of cleaned texts, in order: those that the cache knows from there, the others from the
 * engines. Explanations are not cached, so texts that are to be explained are scored. `span` is told
 * of all. AppError as `Scheduler.submit`.
 */
export async function recallOrScore(
  deps: AppDeps,
  span: RequestSpan | undefined,
  texts: readonly string[],
  options: Parameters<Scheduler['submit']>[1],
): Promise<TextResult[]> {
  const { metrics, model, scheduler } = deps;
  const cache = options.explain ? undefined : deps.cache;
  const known = texts.map((text) => cache?.get(text));
  const missing = texts
    .map((text, index) => ({ text, index }))
    .filter(({ index }) => !known[index]);
  if (missing.length === 0 && options.signal?.aborted) {
    throw new AppError('client_closed', 'the client left before the answer was there');
  }
  const admitted = performance.now();
  const submitted = missing.map(({ text }) => text);
  const scores = await scheduler.submit(submitted, options);
  if (cache) {
    for (const [i, score] of scores.entries()) cache.set(submitted[i] ?? '', score);
    const recalled = known.filter(isKnown);
    for (const text of recalled) deps.drift?.observe(text);
    metrics.textsRecalled(recalled.length, scores.length);
  }
  const scored = scores.map((score, i) => ({ ...score, index: missing[i]?.index ?? i }));
  const byIndex = new Map(scored.map((score) => [score.index, score]));
  const results = texts.map((_, i) => known[i] ?? byIndex.get(i)).filter(isKnown);
  const tokens = results.reduce((sum, result) => sum + result.tokens, 0);
  span?.scores({ model, admitted, scored, known: texts.length - scored.length, tokens });
  return results;
}

function isKnown<T>(result: T | undefined): result is T {
  return result !== undefined;
}
