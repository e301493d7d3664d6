import { packageVersion } from '../../package-root.ts';
import { MINIMUM_TEXT_LENGTH } from '../../text/index.ts';
import type { AppDeps } from '../deps.ts';
import { json, ref } from '../openapi/operation.ts';
import type { Route } from '../route.ts';

/** `GET /info`: what is served, and what may be asked of it. */
export function infoRoute({ model, limits }: AppDeps): Route {
  const { task, name, version, precision, maxLength, explains = false } = model;
  const info = {
    version: packageVersion,
    model: { name, version, precision, max_length: maxLength, explains },
    task: {
      name: task.name,
      cleaning: task.cleaning,
      axes: task.axes.map((axis) => ({
        name: axis.name,
        labels: axis.labels,
        threshold: axis.threshold,
      })),
    },
    limits: {
      minimum_text_length: MINIMUM_TEXT_LENGTH,
      max_texts: limits.maxTexts,
      max_body_bytes: limits.maxBodyBytes,
      max_windows: limits.maxWindows,
      max_depth: limits.maxDepth,
      timeout_ms: limits.timeoutMs,
    },
  };
  return {
    path: '/info',
    method: 'GET',
    operation: {
      operationId: 'info',
      tag: 'service',
      summary: 'What is served, and what may be asked of it',
      responses: {
        200: json('Model, task and limits', ref('Info'), {
          info: { summary: 'This server', value: info },
        }),
      },
    },
    handler: (_request, response) => {
      response.json(info);
    },
  };
}
