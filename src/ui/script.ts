import { showScript } from './show.ts';

/** The page's own script: it talks to the routes that it was served beside, and puts every answer in as text. */
export const script = `
'use strict';
const $ = (id) => document.getElementById(id);
let info;
/** The one that is asked, as /info has it. */
let model;
let busy = false;

/** What people read of an answer that is no success. */
function problemOf(answer, { title, detail, request_id: id }) {
  if (answer.status === 401) {
    $('keyed').hidden = false;
    $('key').focus();
    return $('key').value.trim() ? 'The server does not know this API key.' : 'The server asks for an API key.';
  }
  const what = title || 'The server answered ' + answer.status;
  const more = detail && !detail.startsWith(what) ? ': ' + detail : detail ? detail.slice(what.length) : '';
  const wait = answer.headers.get('retry-after');
  return what + more + '.' + (wait ? ' Try again in ' + wait + ' s.' : '') +
    (answer.status >= 500 && id ? ' The request was ' + id + '.' : '');
}

async function ask(route, options) {
  const answer = await fetch(route, options).catch(() => {
    throw new Error('The server cannot be reached.');
  });
  // What stands between may answer with a page of its own.
  const json = await answer.json().catch(() => undefined);
  if (!answer.ok) throw new Error(problemOf(answer, json ?? {}));
  if (!json) throw new Error('The answer is not JSON: it comes from another server.');
  return json;
}

const namesOf = ({ models }) => [...new Set(models.map(({ name }) => name))];

async function learn() {
  info = await ask('info');
  const names = namesOf(info);
  const before = $('choice').value;
  const usual = info.models.find((one) => one.default).name;
  $('choice').replaceChildren(...names.map((name) => element('option', name, { value: name, dir: 'auto' })));
  $('choice').value = names.includes(before) ? before : usual;
  $('choices').hidden = names.length < 2;
  choose();
}

function choose() {
  const name = $('choice').value;
  // Without a version the highest is meant, which stands last.
  model = info.models.findLast((one) => one.name === name);
  $('model').textContent = 'Task ' + model.task + ' · model ' + model.name + ', version ' + model.version + ', ' + model.precision;
  $('explains').hidden = !model.explains;
}

async function predict() {
  if (!info) await learn();
  const asked = model;
  const key = $('key').value.trim();
  const route = $('explain').checked && asked.explains ? 'explain' : 'predict';
  const isOneOf = namesOf(info).length > 1;
  const answer = await ask(isOneOf ? 'models/' + encodeURIComponent(asked.name) + '/' + route : route, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key && { authorization: 'Bearer ' + key }) },
    body: JSON.stringify({ text: $('text').value }),
  });
  // Another one was chosen meanwhile.
  if (model.name !== asked.name) return;
  // Another model may be served by now, with other axes.
  if (answer.model.version !== asked.version) await learn();
  show(answer, model.axes);
}

async function run(work) {
  if (busy) return;
  busy = true;
  $('problem').textContent = '';
  try {
    await work();
  } catch (error) {
    clear();
    $('problem').textContent = error.message;
  } finally {
    busy = false;
  }
}

$('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  // Not the attribute disabled: it would take the focus away from who came by keyboard.
  $('go').ariaDisabled = 'true';
  $('go').textContent = 'Predicting…';
  await run(predict);
  $('go').ariaDisabled = 'false';
  $('go').textContent = 'Predict';
});
$('choice').addEventListener('change', () => {
  clear();
  $('problem').textContent = '';
  choose();
});
$('text').addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) $('form').requestSubmit();
});
${showScript}
run(learn);
`;
