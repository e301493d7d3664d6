import { createHash } from 'node:crypto';
import { docsPage } from '../docs/page.ts';
import { style } from '../docs/style.ts';
import type { OpenApiDocument } from '../openapi/document.ts';
import type { Route } from '../route.ts';

/** No script, no other site: only the page's own style sheet and icon. */
const policy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** `GET /docs`: the document for people. */
export function docsRoute(document: () => OpenApiDocument): Route {
  const pages = new WeakMap<OpenApiDocument, string>();
  return {
    path: '/docs',
    method: 'GET',
    operation: {
      operationId: 'docs',
      tag: 'service',
      summary: 'This document as a page, for people',
      responses: {
        200: {
          description: 'HTML that loads nothing',
          content: { 'text/html': { schema: { type: 'string' } } },
        },
      },
    },
    handler: (_request, response) => {
      const now = document();
      const page = pages.get(now) ?? docsPage(now);
      pages.set(now, page);
      response.set('content-security-policy', policy).type('html').send(page);
    },
  };
}
