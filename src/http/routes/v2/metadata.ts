import { packageVersion } from '../../../package-root.ts';
import type { AppDeps } from '../../deps.ts';
import { versionsOf } from '../../models.ts';
import { protocolErrors } from '../../openapi/errors.ts';
import { json, ref } from '../../openapi/operation.ts';
import type { Route } from '../../route.ts';
import { tensors } from '../../schemas/protocol.ts';
import { checkModel, modelPaths, pathParameters } from '../model-path.ts';

/** `GET /v2` and `GET /v2/models/{model}[/versions/{version}]`: who serves, and what it takes. */
export function metadataRoutes(deps: AppDeps): Route[] {
  const { name } = deps.model;
  const server = { name: 'mbti-onnx', version: packageVersion, extensions: ['binary_tensor_data'] };
  const model = () => ({
    name,
    versions: versionsOf(deps, name),
    platform: 'onnx_onnxv1',
    ...tensors(deps),
  });
  const ofModel = modelPaths('').map(
    (path): Route => ({
      path,
      method: 'GET',
      operation: {
        operationId: path.includes('{version}') ? 'modelVersionMetadata' : 'modelMetadata',
        tag: 'open inference protocol',
        summary: 'The tensors that a model takes and gives',
        parameters: pathParameters(deps, path),
        responses: {
          200: json('Its inputs and outputs', ref('ModelMetadata'), {
            model: { summary: 'This model', value: model() },
          }),
          ...protocolErrors(['not_found']),
        },
      },
      handler: (request, response) => {
        checkModel(deps, request);
        response.json(model());
      },
    }),
  );
  return [
    {
      path: '/v2',
      method: 'GET',
      operation: {
        operationId: 'serverMetadata',
        tag: 'open inference protocol',
        summary: 'Name, version and extensions of the server',
        responses: {
          200: json('The server', ref('ServerMetadata'), {
            server: { summary: 'This server', value: server },
          }),
        },
      },
      handler: (_request, response) => {
        response.json(server);
      },
    },
    ...ofModel,
  ];
}
