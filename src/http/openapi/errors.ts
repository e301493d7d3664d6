import { AppError, type ErrorCode, errorTable } from '../../errors.ts';
import type { ServedModel } from '../../models/index.ts';
import { tooShort } from '../body/text-list.ts';
import { isProtocolPath, toProblem } from '../problem.ts';
import { type Examples, type ResponseDoc, ref } from './operation.ts';

/** What an error of each code may say, as an example. */
const details = {
  invalid_json: 'the body is not valid JSON: unexpected end of json input',
  invalid_request: 'the body has both text and texts: expected one',
  text_too_short: 'text has 0 characters after cleaning: expected at least 1',
  not_found: 'there is no model "other": this server has "mbti"',
  explain_unavailable: 'the bundle of mbti has no explain graph',
  unauthorized: 'expected the header Authorization: Bearer <API key>',
  forbidden: 'admin routes are closed where no API keys are configured',
  rate_limited: 'the limit of requests is reached: wait 3 s',
  deadline_exceeded: 'the answer was not there after 250 ms',
  request_timeout: 'the request did not arrive whole in time',
  body_too_large: 'the body is over the limit of 1048576 bytes',
  unsupported_media_type: 'there is no content type: expected application/json in UTF-8',
  queue_full: '512 texts are waiting: 1 more would be over the limit of 512',
  not_ready: 'the model is still loading',
  engine_failed: 'the inference engine failed',
} as const satisfies Partial<Record<ErrorCode, string>>;

type DocumentedCode = keyof typeof details;
type Details = Readonly<Record<DocumentedCode, string>>;

const retryAfter = {
  'retry-after': {
    description: 'Seconds after which trying again makes sense',
    schema: { type: 'integer', minimum: 1 },
  },
} as const;

/** The answers of a route that fails with these codes, by status: problems (RFC 9457). */
export function problems(
  codes: readonly DocumentedCode[],
  own: Partial<Details> = {},
): Record<number, ResponseDoc> {
  return byStatus(codes, problemForm, own);
}

/** The same as the Open Inference Protocol has errors. */
export function protocolErrors(
  codes: readonly DocumentedCode[],
  own: Partial<Details> = {},
): Record<number, ResponseDoc> {
  return byStatus(codes, protocolForm, own);
}

/** What a model says of an empty text that the request calls `name`: minimums differ. */
export function tooShortDetail({ task }: ServedModel, name: string): Partial<Details> {
  return { text_too_short: tooShort('', task, name).message };
}

/** How errors are sent. */
interface ErrorForm {
  readonly mediaType: string;
  readonly schema: string;
  readonly value: (error: AppError) => unknown;
}

const problemForm: ErrorForm = {
  mediaType: 'application/problem+json',
  schema: 'Problem',
  value: (error) => toProblem(error),
};
const protocolForm: ErrorForm = {
  mediaType: 'application/json',
  schema: 'InferenceError',
  value: (error) => ({ error: toProblem(error).detail }),
};

/** The answer to a query, which no route takes, in the form that the path's errors have. */
export function queryErrors(path: string): Record<number, ResponseDoc> {
  const form = isProtocolPath(path) ? protocolForm : problemForm;
  const detail = 'the query has an unknown parameter: "verbose"; expected none';
  return byStatus(['invalid_request'], form, { invalid_request: detail });
}

/** What routes that score texts may fail with. */
export const scoringCodes = [
  'invalid_json',
  'invalid_request',
  'text_too_short',
  'unauthorized',
  'forbidden',
  'rate_limited',
  'deadline_exceeded',
  'body_too_large',
  'unsupported_media_type',
  'queue_full',
  'not_ready',
  'engine_failed',
] as const satisfies readonly DocumentedCode[];

function byStatus(
  codes: readonly DocumentedCode[],
  { mediaType, schema, value }: ErrorForm,
  own: Partial<Details>,
): Record<number, ResponseDoc> {
  const docs: Record<number, ResponseDoc> = {};
  for (const status of new Set(codes.map((code) => errorTable[code].status))) {
    const same = codes.filter((code) => errorTable[code].status === status);
    const examples: Examples = Object.fromEntries(
      same.map((code) => [
        code,
        {
          summary: errorTable[code].title,
          value: value(new AppError(code, own[code] ?? details[code])),
        },
      ]),
    );
    docs[status] = {
      description: same.map((code) => errorTable[code].title).join('; '),
      content: { [mediaType]: { schema: ref(schema), examples } },
      ...(status === 429 || status === 503 ? { headers: retryAfter } : {}),
    };
  }
  return docs;
}
