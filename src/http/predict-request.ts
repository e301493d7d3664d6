import { AppError } from '../errors.ts';
import { type CleaningMode, cleanText, isTooShort, MINIMUM_TEXT_LENGTH } from '../text/index.ts';
import { shorten } from './body/strict-json.ts';

/** The texts of a request, cleaned as in training. */
export interface PredictRequest {
  readonly texts: readonly string[];
  /** Whether they came as `texts`: the answer is then a list. */
  readonly isList: boolean;
}

const properties: ReadonlySet<string> = new Set(['text', 'texts']);

/** Longer deadlines than an hour are slips. */
const LONGEST_TIMEOUT_MS = 3_600_000;

/** Reads the body of `POST /predict`. AppError `invalid_request` or `text_too_short`. */
export function parsePredictRequest(
  body: unknown,
  options: { readonly cleaning: CleaningMode; readonly maxTexts: number },
): PredictRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw invalid('the body is no JSON object: expected {"text": "…"} or {"texts": ["…"]}');
  }
  const unknown = Object.keys(body).filter((key) => !properties.has(key));
  if (unknown.length > 0) {
    const named = unknown.slice(0, 3).map(shorten).join(', ');
    throw invalid(`the body has unknown properties: ${named}; expected text or texts`);
  }
  const hasText = 'text' in body;
  if (hasText === 'texts' in body) {
    throw invalid(`the body has ${hasText ? 'both' : 'neither'} text and texts: expected one`);
  }
  const { cleaning, maxTexts } = options;
  if ('texts' in body) {
    const texts = readList(body.texts, maxTexts);
    return { texts: texts.map((text, i) => clean(text, cleaning, `texts[${i}]`)), isList: true };
  }
  const text = 'text' in body ? body.text : undefined;
  if (typeof text !== 'string') throw invalid(`text is ${kind(text)}: expected a string`);
  return { texts: [clean(text, cleaning, 'text')], isList: false };
}

/** The value of `x-request-timeout-ms`, or the default. AppError `invalid_request`. */
export function parseTimeout(header: string | undefined, defaultMs: number): number {
  if (header === undefined) return defaultMs;
  const value = Number(header);
  if (/^\d{1,7}$/.test(header) && value >= 1 && value <= LONGEST_TIMEOUT_MS) return value;
  throw invalid(
    `x-request-timeout-ms is not a whole number of milliseconds from 1 to ${LONGEST_TIMEOUT_MS}`,
  );
}

function readList(value: unknown, maxTexts: number): string[] {
  if (!Array.isArray(value)) throw invalid(`texts is ${kind(value)}: expected a list of strings`);
  if (value.length === 0) throw invalid('texts is empty: expected at least one text');
  if (value.length > maxTexts) {
    throw invalid(`texts has ${value.length} texts: expected ${maxTexts} at most`);
  }
  const wrong = value.findIndex((text) => typeof text !== 'string');
  if (wrong < 0) return value;
  throw invalid(`texts[${wrong}] is ${kind(value[wrong])}: expected a string`);
}

function clean(text: string, cleaning: CleaningMode, name: string): string {
  const cleaned = cleanText(text, cleaning);
  if (!isTooShort(cleaned)) return cleaned;
  throw new AppError(
    'text_too_short',
    `${name} has ${Array.from(cleaned).length} characters after cleaning: expected at least ${MINIMUM_TEXT_LENGTH}`,
  );
}

function kind(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function invalid(message: string): AppError {
  return new AppError('invalid_request', message);
}
