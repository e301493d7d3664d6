import { join } from 'node:path';
import { packageRoot } from '../../dist/src/package-root.js';
import { TextTokenizer, tokenWindows } from '../../dist/src/text/index.js';
import { readLabelledRows } from '../../dist/training/data/labelled-rows.js';
import { allTexts, generator } from '../serve/texts.mjs';

/** Words of 5–60 as `bench:serve` sends them, or the column `text` of a CSV file: ids of each, cut to `maxLength`. */
export async function realisticTexts({ tokenizerDir, maxLength, csv }) {
  const folder = tokenizerDir ?? join(packageRoot, 'data/sample');
  const tokenizer = TextTokenizer.load(folder);
  const texts = csv === undefined ? allTexts(folder).short : await columnOf(csv);
  return texts.map((text) => tokenWindows(tokenizer.encode(text), maxLength, tokenizer)[0]);
}

async function columnOf(csv) {
  const texts = [];
  await readLabelledRows(csv, { text: 'text', labels: [] }, ({ text }) => texts.push(text));
  return shuffled(texts).slice(0, 512);
}

function shuffled(list) {
  const random = generator(7);
  const keyed = list.map((item) => [random(), item]);
  return keyed.sort(([a], [b]) => a - b).map(([, item]) => item);
}
