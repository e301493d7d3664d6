import { icon } from '../../ui/icon.ts';
import type { OpenApiDocument, OperationObject } from '../openapi/document.ts';
import type { Example, Parameter, ResponseDoc } from '../openapi/operation.ts';
import { codeBlock, escapeHtml, inline, prose } from './html.ts';
import { style } from './style.ts';

/** The document as one page of HTML: no script, and nothing loaded from anywhere. */
export function docsPage({ info, tags, paths, components }: OpenApiDocument): string {
  const title = escapeHtml(`${info.title}`);
  const groups = tags.map((tag) => {
    const routes = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods)
        .filter(([, { tags }]) => tags.includes(tag.name))
        .map(([method, operation]) => route(method, path, operation)),
    );
    return `<h2>${escapeHtml(tag.name)}</h2>${prose(tag.description)}${routes.join('')}`;
  });
  const schemas = Object.entries(components.schemas).map(([name, schema]) =>
    fold(name, codeBlock(schema), `schema-${name}`),
  );
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title} API</title>${icon}<style>${style}</style></head>
<body>
<h1>${title} <small>${escapeHtml(`${info.version}`)}</small></h1>
${prose(`${info.description}`)}
<p><a href="openapi.json">openapi.json</a> · <a href="./">try it on a text</a></p>
${groups.join('\n')}
<h2>Schemas</h2>
${schemas.join('\n')}
</body>
</html>
`;
}

function route(method: string, path: string, operation: OperationObject): string {
  const { operationId, summary, description, parameters = [], requestBody, responses } = operation;
  const body = requestBody
    ? `<h3>Request</h3>${prose(requestBody.description)}${Object.entries(requestBody.content)
        .map(([type, { schema, examples }]) => media(type, schema, examples))
        .join('')}`
    : '';
  const answers = Object.entries(responses).map(([status, response]) => answer(status, response));
  return `<details id="${escapeHtml(operationId)}"><summary><span class="method ${method}">${method.toUpperCase()}</span>
<span class="path">${escapeHtml(path)}</span><span class="note">${inline(summary)}</span></summary><div>
${description ? prose(description) : ''}${parameterList(parameters)}${body}<h3>Answers</h3>${answers.join('')}</div></details>`;
}

function parameterList(parameters: readonly Parameter[]): string {
  if (parameters.length === 0) return '';
  const items = parameters.map(
    (one) =>
      `<li><code>${escapeHtml(one.name)}</code> <span class="note">${one.in}${one.required ? ', required' : ''}</span> ${inline(one.description)}</li>`,
  );
  return `<h3>Parameters</h3><ul>${items.join('')}</ul>`;
}

function answer(status: string, { description, headers = {}, content = {} }: ResponseDoc): string {
  const named = Object.entries(headers).map(
    ([name, header]) => `<p><code>${escapeHtml(name)}</code> ${inline(header.description)}</p>`,
  );
  const bodies = Object.entries(content).map(([type, { schema, examples }]) =>
    media(type, schema, examples),
  );
  return fold(`${status} ${description}`, `${named.join('')}${bodies.join('')}`);
}

function media(
  type: string,
  schema: unknown,
  examples: Readonly<Record<string, Example>> = {},
): string {
  const shown = Object.values(examples).map(
    ({ summary, value }) => `<p>${inline(summary)}</p>${codeBlock(value)}`,
  );
  return `<p><code>${escapeHtml(type)}</code> ${schemaLinks(schema)}</p>${shown.join('')}`;
}

/** The components that a schema refers to. */
function schemaLinks(schema: unknown): string {
  const names = [...JSON.stringify(schema).matchAll(/"#\/components\/schemas\/(\w+)"/g)];
  return names.map(([, name]) => `<a href="#schema-${name}">${name}</a>`).join(' or ');
}

/** The id is the content's: browsers open what a link leads into, and do not open what it leads to. */
function fold(title: string, content: string, id?: string): string {
  return `<details><summary><span>${inline(title)}</span></summary><div${id ? ` id="${escapeHtml(id)}"` : ''}>${content}</div></details>`;
}
