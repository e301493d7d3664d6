import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError } from '../../errors.ts';
import { parseStrictJson } from './strict-json.ts';
import { LONG, turn } from './turns.ts';

/** What a route takes: the content types, and whether none may be named. */
export interface BodyRules {
  readonly maxBytes: number;
  readonly mediaTypes: readonly string[];
  readonly typeRequired: boolean;
}

/**
 * The bytes of a request's body. AppError `unsupported_media_type`, `body_too_large` (without reading
 * the rest), or `client_closed`.
 */
export async function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  rules: BodyRules,
): Promise<Buffer> {
  checkHeaders(request, rules);
  if (request.headers.expect?.toLowerCase() === '100-continue') response.writeContinue();
  return readBytes(request, rules.maxBytes);
}

/** The value of JSON bytes. AppError `invalid_json` or `invalid_request`. */
export async function parseJsonBytes(bytes: Uint8Array): Promise<unknown> {
  if (bytes.length < LONG) return parseStrictJson(decode(bytes));
  await turn();
  const value = parseStrictJson(decode(bytes));
  await turn();
  return value;
}

function checkHeaders({ headers }: IncomingMessage, rules: BodyRules): void {
  checkType(headers['content-type'], rules);
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (encoding !== 'identity') {
    throw new AppError(
      'unsupported_media_type',
      'the body has a content encoding: expected it plain, with no content-encoding header',
    );
  }
  if (Number(headers['content-length']) > rules.maxBytes) throw tooLarge(rules.maxBytes);
}

function checkType(type: string | undefined, { mediaTypes, typeRequired }: BodyRules): void {
  if (type === undefined && !typeRequired) return;
  if (type !== undefined && isOneOf(type, mediaTypes)) return;
  throw new AppError(
    'unsupported_media_type',
    `${type === undefined ? 'there is no content type' : 'the content type is another one'}: expected ${mediaTypes.join(' or ')} in UTF-8`,
  );
}

/** Where a charset is named it must be UTF-8; other parameters mean nothing. */
function isOneOf(type: string, mediaTypes: readonly string[]): boolean {
  const [name = '', ...parameters] = type.split(';').map((part) => part.trim().toLowerCase());
  if (!mediaTypes.includes(name)) return false;
  return parameters.every((parameter) => {
    const [key, value = ''] = parameter.split('=');
    return key !== 'charset' || /^"?utf-?8"?$/.test(value);
  });
}

function readBytes(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let parts: Buffer[] = [];
    let size = 0;
    request.on('data', (part: Buffer) => {
      size += part.length;
      if (size <= maxBytes) {
        parts.push(part);
        return;
      }
      // What still comes is let through unread, so that the client gets to read its answer.
      parts = [];
      reject(tooLarge(maxBytes));
    });
    request.on('end', () => resolve(Buffer.concat(parts)));
    const onGone = () => {
      // Every request closes in the end; an error, with its stack, is dear.
      if (!request.complete) reject(new AppError('client_closed', 'the body did not arrive whole'));
    };
    request.on('error', onGone);
    request.on('close', onGone);
  });
}

function decode(body: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw new AppError('invalid_json', 'the body is not valid UTF-8');
  }
}

function tooLarge(maxBytes: number): AppError {
  return new AppError('body_too_large', `the body is over the limit of ${maxBytes} bytes`);
}
