import type { RequestHandler } from 'express';
import { AppError } from '../../errors.ts';
import { shown } from '../../files/index.ts';

/** Parameters that people try, and what says the same here. */
const elsewhere: Readonly<Record<string, string>> = {
  model: 'the path names a model, as in /models/{model}/predict and /models/{model}/explain',
  model_name: 'the path names a model, as in /models/{model}/predict and /models/{model}/explain',
  model_version: 'the path names a version, as in /v2/models/{model}/versions/{version}/infer',
  text: 'the body has it, as {"text": "…"}',
  timeout: 'the header x-request-timeout-ms has it',
};

/** No route takes parameters in its query: what would be ignored is refused. AppError `invalid_request`. */
export const noQuery: RequestHandler = (request, _response, next) => {
  const [, query = ''] = /^[^?#]*\?([^#]*)/.exec(request.originalUrl) ?? [];
  const [name] = new URLSearchParams(query).keys();
  if (name === undefined) return next();
  const instead = Object.hasOwn(elsewhere, name) ? `: ${elsewhere[name]}` : '';
  throw new AppError(
    'invalid_request',
    `the query has an unknown parameter: ${shown(name)}; expected none${instead}`,
  );
};
