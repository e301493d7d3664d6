import { createHash } from 'node:crypto';
import { icon } from './icon.ts';
import { script } from './script.ts';
import { style } from './style.ts';

const hashOf = (content: string): string =>
  `'sha256-${createHash('sha256').update(content).digest('base64')}'`;

/** Its own style, script and icon, requests to its own server, and nothing else. */
export const pagePolicy = [
  "default-src 'none'",
  `style-src ${hashOf(style)}`,
  `script-src ${hashOf(script)}`,
  'img-src data:',
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
${icon}
<style>${style}</style>
</head>
<body>
<main>
<h1>Try the classifier</h1>
<p class="muted" id="model">&nbsp;</p>
<noscript><p>This page needs JavaScript.</p></noscript>
<form id="form">
<div id="choices" hidden>
<label for="choice">Model</label>
<select id="choice" autocomplete="off" aria-describedby="model"></select>
</div>
<label for="text">Text</label>
<textarea id="text" dir="auto" required autofocus aria-describedby="problem">I enjoy solving complex problems alone and reading books.</textarea>
<div id="keyed" hidden>
<label for="key">API key</label>
<input id="key" type="password" autocomplete="off" pattern="\\s*[!-~]+\\s*" title="no spaces, no accents" aria-describedby="kept">
<p class="muted" id="kept">Kept in this page alone: gone when you close or reload it.</p>
</div>
<div class="row">
<button id="go">Predict</button>
<label id="explains"><input type="checkbox" id="explain"> show which words it comes from</label>
</div>
</form>
<div id="problem" role="alert"></div>
<div role="status"><div id="type" dir="auto"></div><div id="usage" class="muted"></div></div>
<div id="axes"></div>
<div id="words"></div>
</main>
<footer class="muted"><p>A prediction says what a model made of a text. It is no judgement of the person who wrote it:
not for hiring, not for diagnosis.</p><p><a href="docs">How to call it from a program</a></p></footer>
<script>${script}</script>
</body>
</html>
`;
