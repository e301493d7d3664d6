import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError } from '../../errors.ts';
import { parseStrictJson } from './strict-json.ts';

/**
 * The JSON body of a request. AppError `unsupported_media_type`, `body_too_large` (without reading
 * the rest), `invalid_json`, `invalid_request`, or `client_closed`.
 */
export async function readJson(
  request: IncomingMessage,
  response: ServerResponse,
  maxBytes: number,
): Promise<unknown> {
  checkHeaders(request, maxBytes);
  if (request.headers.expect?.toLowerCase() === '100-continue') response.writeContinue();
  return parseStrictJson(decode(await readBody(request, maxBytes)));
}

function checkHeaders({ headers }: IncomingMessage, maxBytes: number): void {
  const type = headers['content-type'];
  if (!isJson(type)) {
    throw new AppError(
      'unsupported_media_type',
      `${type === undefined ? 'there is no content type' : 'the content type is another one'}: expected application/json in UTF-8`,
    );
  }
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (encoding !== 'identity') {
    throw new AppError(
      'unsupported_media_type',
      'the body has a content encoding: expected it plain, with no content-encoding header',
    );
  }
  if (Number(headers['content-length']) > maxBytes) throw tooLarge(maxBytes);
}

/** application/json, where a charset is named UTF-8; other parameters mean nothing. */
function isJson(type: string | undefined): boolean {
  const [name, ...parameters] = (type ?? '').split(';').map((part) => part.trim().toLowerCase());
  if (name !== 'application/json') return false;
  return parameters.every((parameter) => {
    const [key, value = ''] = parameter.split('=');
    return key !== 'charset' || /^"?utf-?8"?$/.test(value);
  });
}

function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
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
    const onGone = () => reject(new AppError('client_closed', 'the body did not arrive whole'));
    request.on('error', onGone);
    request.on('close', onGone);
  });
}

function decode(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw new AppError('invalid_json', 'the body is not valid UTF-8');
  }
}

function tooLarge(maxBytes: number): AppError {
  return new AppError('body_too_large', `the body is over the limit of ${maxBytes} bytes`);
}
