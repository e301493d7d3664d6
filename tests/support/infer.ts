/** The header of bodies with binary tensors. */
export const HEADER = 'inference-header-content-length';

/** A body of JSON and binary tensors, with its header. */
export function binaryBody(json: object, tensors: Buffer) {
  const head = Buffer.from(JSON.stringify(json));
  return {
    headers: { 'content-type': 'application/octet-stream', [HEADER]: String(head.length) },
    body: Buffer.concat([head, tensors]),
  };
}

/** An inference request and its answer, taken apart into JSON and tensors. */
export async function infer(
  url: string,
  body: object | string | Buffer,
  headers: Record<string, string> = { 'content-type': 'application/json' },
) {
  const sent = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const answer = await fetch(url, { method: 'POST', headers, body: sent });
  const bytes = Buffer.from(await answer.arrayBuffer());
  const length = Number(answer.headers.get(HEADER) ?? bytes.length);
  return {
    status: answer.status,
    headers: answer.headers,
    json: JSON.parse(bytes.subarray(0, length).toString()),
    tensors: bytes.subarray(length),
  };
}
