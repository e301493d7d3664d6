import type { Request, Response } from 'express';
import { parseJsonBytes, readBody } from './body/read-body.ts';
import { cleanTexts } from './body/text-list.ts';
import type { AppDeps } from './deps.ts';
import { exampleText } from './openapi/examples.ts';
import type { Examples, RequestBody, Schema } from './openapi/operation.ts';
import type { BodyCheck } from './openapi/validator.ts';
import type { TextResult } from './recall-or-score.ts';
import { admit, scoreTexts } from './score-request.ts';

/** A body that matches the schema PredictRequest. */
type PredictBody = { readonly text: string } | { readonly texts: readonly string[] };

/** The body of /predict and /explain. */
export function predictBody(schema: Schema): RequestBody {
  return { description: 'A text, or several that are answered in order', schema, examples };
}

const examples: Examples = {
  text: { summary: 'One text', value: { text: exampleText } },
  texts: {
    summary: 'Several texts',
    value: { texts: [exampleText, 'Parties with many people are the best evenings.'] },
  },
  text_too_short: { summary: 'Refused: too short', value: { text: '' } },
  invalid_request: {
    summary: 'Refused: both properties',
    value: { text: exampleText, texts: [exampleText] },
  },
};

export interface ScoredRequest {
  /** Cleaned. */
  readonly texts: readonly string[];
  readonly scores: readonly TextResult[];
  /** They came as `texts`: the answer is a list. */
  readonly isList: boolean;
}

/** Reads a request with a text or texts, and scores them. AppError as its parts. */
export async function scoreRequest(
  deps: AppDeps,
  request: Request,
  response: Response,
  { checkBody, explain = false }: { readonly checkBody: BodyCheck; readonly explain?: boolean },
): Promise<ScoredRequest> {
  const { timeoutMs } = admit(deps, request);
  const bytes = await readBody(request, response, {
    maxBytes: deps.limits.maxBodyBytes,
    mediaTypes: ['application/json'],
    typeRequired: true,
  });
  const body = await parseJsonBytes(bytes);
  checkBody(body);
  const { texts, isList } = await cleaned(body as PredictBody, deps);
  return { texts, isList, scores: await scoreTexts(deps, response, texts, { timeoutMs, explain }) };
}

async function cleaned(
  body: PredictBody,
  { model }: AppDeps,
): Promise<Omit<ScoredRequest, 'scores'>> {
  const { task } = model;
  return 'text' in body
    ? { texts: await cleanTexts([body.text], task, () => 'text'), isList: false }
    : { texts: await cleanTexts(body.texts, task, (i) => `texts[${i}]`), isList: true };
}
