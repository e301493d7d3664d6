import { page, pagePolicy } from '../../ui/page.ts';
import type { Route } from '../route.ts';

/** `GET /`: the web page. */
export function uiRoute(): Route {
  return {
    path: '/',
    method: 'GET',
    operation: {
      operationId: 'page',
      tag: 'service',
      summary: 'A page to try the models on a text',
      responses: {
        200: {
          description:
            'HTML with its own script, which asks /info, and /predict and /explain or those of the model that is chosen',
          content: { 'text/html': { schema: { type: 'string' } } },
        },
      },
    },
    handler: (_request, response) => {
      response.set('content-security-policy', pagePolicy).type('html').send(page);
    },
  };
}
