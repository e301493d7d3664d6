import type { OpenApiDocument } from '../openapi/document.ts';
import { json } from '../openapi/operation.ts';
import type { Route } from '../route.ts';

/** `GET /openapi.json`: the document of all routes, this one included. */
export function openApiRoute(document: () => OpenApiDocument): Route {
  return {
    path: '/openapi.json',
    method: 'GET',
    operation: {
      operationId: 'openapi',
      tag: 'service',
      summary: 'This document',
      responses: {
        200: json('OpenAPI 3.1', {
          type: 'object',
          required: ['openapi', 'info', 'paths', 'components'],
          properties: { openapi: { const: '3.1.0' } },
        }),
      },
    },
    handler: (_request, response) => {
      response.json(document());
    },
  };
}
