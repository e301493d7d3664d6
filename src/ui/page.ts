import { createHash } from 'node:crypto';
import { script } from './script.ts';
import { style } from './style.ts';

const hashOf = (content: string): string =>
  `'sha256-${createHash('sha256').update(content).digest('base64')}'`;

/** Its own style and script, requests to its own server, and nothing else. */
export const pagePolicy = [
  "default-src 'none'",
  `style-src ${hashOf(style)}`,
  `script-src ${hashOf(script)}`,
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The web page: a text in, its prediction out, and on demand the words that it comes from. Loads nothing. */
export const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Try the classifier</title>
<style>${style}</style>
</head>
<body>
<h1>Try the classifier</h1>
<p class="muted" id="model">&nbsp;</p>
<form id="form">
<label for="text">Text</label>
<textarea id="text" required minlength="10" autofocus>I enjoy solving complex problems alone and reading books.</textarea>
<div id="keyed" hidden><label for="key">API key</label><input id="key" type="password" autocomplete="off"></div>
<div class="row">
<button id="go" disabled>Predict</button>
<label><input type="checkbox" id="explain"> show which words it comes from</label>
</div>
</form>
<div id="problem" role="alert"></div>
<div id="result" aria-live="polite"></div>
<p class="muted">A prediction says what a model made of a text. It is no judgement of the person who wrote it:
not for hiring, not for diagnosis. <a href="docs">How to call it from a program</a></p>
<script>${script}</script>
</body>
</html>
`;
