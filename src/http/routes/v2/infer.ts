import type { Request, Response } from 'express';
import { parseJsonBytes, readBody } from '../../body/read-body.ts';
import { cleanTexts } from '../../body/text-list.ts';
import type { AppDeps } from '../../deps.ts';
import { BINARY, HEADER_LENGTH, splitBody } from '../../oip/binary.ts';
import { type InferAnswer, inferAnswer } from '../../oip/infer-answer.ts';
import { checkNamed, type InferBody, outputsOf, textsOf } from '../../oip/infer-request.ts';
import type { BodyCheck } from '../../openapi/validator.ts';
import type { Route } from '../../route.ts';
import { admit, answer, scoreTexts } from '../../score-request.ts';
import { checkModel, modelPaths } from '../model-path.ts';
import { inferOperation } from './infer-operation.ts';

/** `POST /v2/models/{model}[/versions/{version}]/infer`: texts → probabilities and labels. */
export function inferRoutes(deps: AppDeps): Route[] {
  return modelPaths('/infer').map((path) => ({
    path,
    method: 'POST',
    operation: inferOperation(deps, path),
    handler: async (request, response, checkBody) => {
      checkModel(deps, request);
      send(response, await infer(deps, request, response, checkBody));
    },
  }));
}

async function infer(
  deps: AppDeps,
  request: Request,
  response: Response,
  checkBody: BodyCheck,
): Promise<InferAnswer> {
  const { timeoutMs } = admit(deps, request);
  const bytes = await readBody(request, response, {
    maxBytes: deps.limits.maxBodyBytes,
    mediaTypes: ['application/json', BINARY],
    typeRequired: false,
  });
  const { json, tensors } = splitBody(bytes, request.get(HEADER_LENGTH));
  const parsed = await parseJsonBytes(json);
  checkBody(parsed);
  const body = parsed as InferBody;
  checkNamed(body, deps.model);
  const outputs = outputsOf(body);
  const texts = await cleanTexts(textsOf(body, tensors), deps.model.task, (i) => `text[${i}]`);
  const scores = await scoreTexts(deps, response, texts, { timeoutMs });
  return inferAnswer(
    deps,
    { id: body.id, outputs },
    scores.map((score) => answer(deps, score)),
  );
}

function send(response: Response, { json, tensors }: InferAnswer): void {
  if (tensors.length === 0) {
    response.json(json);
    return;
  }
  const header = Buffer.from(JSON.stringify(json));
  response
    .set({ 'content-type': BINARY, [HEADER_LENGTH]: String(header.length) })
    .send(Buffer.concat([header, ...tensors]));
}
