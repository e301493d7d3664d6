/** The page's own script: it talks to the routes that it was served beside, and puts every answer in as text. */
export const script = `
'use strict';
const $ = (id) => document.getElementById(id);
const element = (name, content, properties) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...[content].flat());
  return made;
};
let info;

async function ask(route, body) {
  const key = $('key').value.trim();
  const headers = { 'content-type': 'application/json', ...(key && { authorization: 'Bearer ' + key }) };
  const answer = await fetch(route, { method: 'POST', headers, body: JSON.stringify(body) });
  const json = await answer.json();
  if (answer.status === 401) $('keyed').hidden = false;
  if (!answer.ok) throw new Error(json.detail || json.title || 'the server answered ' + answer.status);
  return json;
}

function axisOf({ dimension, score, label }) {
  const { labels: [first, second] } = info.task.axes.find(({ name }) => name === dimension);
  const side = (name, share) =>
    element('span', name + ' ' + (share * 100).toFixed(1) + ' %', { className: name === label ? 'won' : '' });
  return element('div', [
    element('div', [side(first, score), side(second, 1 - score)], { className: 'ends' }),
    element('meter', [], { value: score, title: dimension }),
  ], { className: 'axis' });
}

function wordsOf({ text, words }, axis) {
  const { labels: [first, second] } = info.task.axes.find(({ name }) => name === axis);
  const most = Math.max(...words.map(({ attributions }) => Math.abs(attributions[axis])), 1e-9);
  const letters = Array.from(text);
  let at = 0;
  const parts = words.flatMap(({ start, end, attributions }) => {
    const value = attributions[axis];
    const word = element('span', letters.slice(start, end).join(''), {
      title: (value > 0 ? first : second) + ' ' + Math.abs(value).toFixed(3),
    });
    const colour = value > 0 ? '42,125,225' : '217,130,43';
    word.style.background = 'rgba(' + colour + ',' + (0.75 * Math.abs(value) / most).toFixed(3) + ')';
    const between = letters.slice(at, start).join('');
    at = end;
    return [between, word];
  });
  return element('section', [
    element('h2', 'What speaks for ' + first + ' (blue) and for ' + second + ' (orange)', { className: 'muted' }),
    element('div', [...parts, letters.slice(at).join('')], { className: 'words' }),
  ]);
}

function show(answer) {
  const { tokens, windows, truncated } = answer.usage;
  $('result').replaceChildren(
    element('div', answer.mbti_type || answer.label, { id: 'type' }),
    ...answer.dimensions.map(axisOf),
    ...(answer.explanation ? answer.dimensions.map(({ dimension }) => wordsOf(answer.explanation, dimension)) : []),
    element('p', tokens + ' tokens in ' + windows + (windows === 1 ? ' window' : ' windows') +
      (truncated ? '; the end of the text was cut' : ''), { className: 'muted' }),
  );
}

$('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  $('problem').textContent = '';
  $('go').disabled = true;
  try {
    show(await ask($('explain').checked ? 'explain' : 'predict', { text: $('text').value }));
  } catch (error) {
    $('result').replaceChildren();
    $('problem').textContent = error.message;
  } finally {
    $('go').disabled = false;
  }
});

fetch('info').then((answer) => answer.json()).then((found) => {
  info = found;
  $('model').textContent = info.task.name + ', ' + info.model.name + ' ' + info.model.version + ', ' + info.model.precision;
  $('go').disabled = false;
}, () => { $('problem').textContent = 'the server does not answer'; });
`;
