// Run where @huggingface/transformers is installed: node transformers-js.mjs BUNDLE DTYPE TEXTS(JSON)
// Prints, for each text, the probability of each label, as the pipeline gives them for a folder and no network.
import { basename, dirname } from 'node:path';
import { env, pipeline } from '@huggingface/transformers';

const [bundle = '', dtype = 'fp32', texts = '[]'] = process.argv.slice(2);
env.allowRemoteModels = false;
env.localModelPath = `${dirname(bundle)}/`;
const classify = await pipeline('text-classification', basename(bundle), { dtype });
const answers = [];
for (const text of JSON.parse(texts)) {
  const scores = await classify(text, { top_k: null });
  answers.push(Object.fromEntries(scores.map(({ label, score }) => [label, score])));
}
console.log(JSON.stringify(answers));
