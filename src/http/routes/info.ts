import type { Limits, ModelStatus, ServedModel } from '../../models/index.ts';
import { packageVersion } from '../../package-root.ts';
import { minimumLength, type Task } from '../../task/index.ts';
import type { AppDeps } from '../deps.ts';
import { modelsOf } from '../models.ts';
import { json, ref } from '../openapi/operation.ts';
import type { Route } from '../route.ts';

/** `GET /info`: what is served, and what may be asked of it. */
export function infoRoute(deps: AppDeps): Route {
  const { model, limits } = deps;
  const own = {
    version: packageVersion,
    model: described(model),
    task: { name: model.task.name, ...asked(model.task) },
    limits: textLimits(model.task, limits),
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
          info: {
            summary: 'This server',
            value: { ...own, models: [listed({ model, limits, state: 'ok', isDefault: true })] },
          },
        }),
      },
    },
    handler: (_request, response) => {
      response.json({ ...own, models: modelsOf(deps).map(listed) });
    },
  };
}

function described(model: ServedModel) {
  const { name, version, precision, scheme = precision, maxLength, explains = false } = model;
  const rounded = scheme === precision ? {} : { scheme };
  return { name, version, precision, ...rounded, max_length: maxLength, explains };
}

/** What a task asks of a text. */
function asked({ cleaning, axes }: Task) {
  return {
    cleaning,
    axes: axes.map(({ name, labels, threshold }) => ({ name, labels, threshold })),
  };
}

function listed(status: Pick<ModelStatus, 'model' | 'limits' | 'state' | 'isDefault'>) {
  const { model, limits, state, isDefault } = status;
  return {
    ...described(model),
    default: isDefault,
    state,
    task: model.task.name,
    ...asked(model.task),
    limits: textLimits(model.task, limits),
  };
}

function textLimits(
  task: Task,
  { maxTexts, maxBodyBytes, maxWindows, maxDepth, timeoutMs }: Limits,
) {
  return {
    minimum_text_length: minimumLength(task),
    max_texts: maxTexts,
    max_body_bytes: maxBodyBytes,
    max_windows: maxWindows,
    max_depth: maxDepth,
    timeout_ms: timeoutMs,
  };
}
