/** The part of the page's script that shows a prediction. */
export const showScript = `
const element = (name, content, properties) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...[content].flat());
  return made;
};
const percent = (share) => (share * 100).toFixed(1) + ' %';

/** Both labels with their shares, a bar of the two, and on it the line from which on it is the first one. */
function axisOf({ dimension, score, label }, { labels: [first, second], threshold }) {
  const side = (name, share) =>
    element('span', [element('bdi', name), ' ' + percent(share)], { className: name === label ? 'won' : '' });
  const share = element('div', [], { className: 'share' });
  const line = element('div', [], { className: 'line' });
  share.style.width = percent(score).replace(' ', '');
  line.style.left = percent(threshold).replace(' ', '');
  return element('div', [
    ...(dimension === first + '/' + second ? [] : [element('h2', dimension, { dir: 'auto' })]),
    element('div', [side(first, score), side(second, 1 - score)], { className: 'ends' }),
    element('div', [share, line], { className: 'bar', ariaHidden: 'true' }),
    element('div', [element('bdi', first), ' from ' + percent(threshold) + ' on'], { className: 'muted' }),
  ], { className: 'axis' });
}

/** The words that speak most for one side, each with all its places together. */
function strongest(words, valueOf, label) {
  const sums = new Map();
  for (const word of words) sums.set(word.word, (sums.get(word.word) ?? 0) + valueOf(word));
  const found = [...sums].filter(([, sum]) => sum > 0).sort(([, a], [, b]) => b - a).slice(0, 3);
  const named = found.map(([word, sum]) => word + ' (' + Number(sum.toPrecision(2)) + ')').join(', ');
  return element('li', ['most for ', element('bdi', label), ': ', element('bdi', named || 'no word')]);
}

/** The text as the model read it, every word coloured by what it speaks for on one axis. */
function wordsOf({ text, words }, { name: axis, labels: [first, second] }) {
  const most = Math.max(...words.map(({ attributions }) => Math.abs(attributions[axis])), 1e-9);
  const letters = Array.from(text);
  let at = 0;
  const parts = words.flatMap(({ start, end, attributions }) => {
    const value = attributions[axis];
    const strength = Math.abs(value) / most;
    const word = element('span', letters.slice(start, end).join(''), {
      // Whoever sees no colours sees the line; below a tenth there is no colour to see either.
      className: 'mark ' + (value < 0 && strength > 0.1 ? 'for-second' : ''),
      title: (value < 0 ? second : first) + ' ' + Math.abs(value).toPrecision(3),
    });
    word.style.background =
      'rgba(var(--' + (value < 0 ? 'second' : 'first') + '), ' + (0.75 * strength).toFixed(3) + ')';
    const between = letters.slice(at, start).join('');
    at = end;
    return [between, word];
  });
  const chip = (label, side) => element('bdi', label, { className: 'mark chip for-' + side });
  return element('section', [
    element('h2', ['What speaks for ', chip(first, 'first'), ' and for ', chip(second, 'second')]),
    element('div', [...parts, letters.slice(at).join('')], {
      className: 'words', dir: 'auto', tabIndex: 0, role: 'region', ariaLabel: 'The text, coloured for ' + axis,
    }),
    element('ul', [
      strongest(words, ({ attributions }) => attributions[axis], first),
      strongest(words, ({ attributions }) => -attributions[axis], second),
    ], { className: 'muted' }),
  ]);
}

function usageOf({ tokens, windows, truncated }) {
  return tokens + ' tokens in ' + windows + (windows === 1 ? ' window' : ' windows, averaged') +
    (truncated ? '; the text is longer than the model takes, and its end was not read' : '');
}

function clear() {
  for (const id of ['type', 'usage', 'axes', 'words']) $(id).replaceChildren();
}

function show({ mbti_type: type, label, dimensions, usage, explanation }, axes) {
  $('type').textContent = type ?? label;
  $('usage').textContent = usageOf(usage);
  $('axes').replaceChildren(...dimensions.map((one, i) => axisOf(one, axes[i])));
  $('words').replaceChildren(...(explanation ? [
    element('p', 'The text stands here as the model read it. The stronger the colour, the more a word speaks for a side.', { className: 'muted' }),
    ...axes.map((axis) => wordsOf(explanation, axis)),
  ] : []));
}
`;
