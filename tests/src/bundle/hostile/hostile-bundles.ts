import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { loadConfig } from '../../../../src/config/index.ts';
import { Scorer } from '../../../../src/engine/scorer.ts';
import { AppError } from '../../../../src/errors.ts';
import { openModel } from '../../../../src/models/open-model.ts';
import { toPrediction } from '../../../../src/task/index.ts';
import { TextTokenizer } from '../../../../src/text/index.ts';
import { hostileJson, pick, randomOf } from '../../../support/hostile-json.ts';

const files = ['manifest.json', 'config.json', 'tokenizer.json', 'tokenizer_config.json'] as const;

const texts = [
  'the quiet evening garden and many plans for a long warm day',
  `${'a'.repeat(400)}! ${'ab '.repeat(100)}`,
  'naïve 👩‍💻 \u0301\u0301 [MASK] [CLS] 日本語 \ud800',
];

/** What a bundle or a tokenizer came to: that it answers, or the code of its refusal. Anything else is an Error. */
export type Outcome = 'answers' | AppError['code'];

/**
 * A bundle of which one file was changed, by a seed. Its manifest knows of the change, so that it is the file's contents
 * that are looked at. `from` is intact.
 */
export function changeBundle(from: string, to: string, seed: number): void {
  const random = randomOf(seed);
  const file = pick(random, files);
  cpSync(from, to, { recursive: true });
  const changed = Buffer.from(hostileJson(readFileSync(join(from, file), 'utf8'), random));
  writeFileSync(join(to, file), changed);
  if (file === 'manifest.json') return;
  const manifest = JSON.parse(readFileSync(join(to, 'manifest.json'), 'utf8'));
  manifest.files[file] = {
    size: changed.length,
    sha256: createHash('sha256').update(changed).digest('hex'),
  };
  writeFileSync(join(to, 'manifest.json'), JSON.stringify(manifest));
}

/** Opens a bundle as a server does, loads it and scores some texts. */
export function outcomeOfBundle(dir: string): Promise<Outcome> {
  return outcomeOf(async () => {
    const { config } = loadConfig({ env: {} });
    const { spec, model } = await openModel({ dir }, config);
    const scorer = await Scorer.load(spec);
    for (const text of texts) {
      const { probabilities } = await scorer.score(text);
      const isProbability = (p: number) => Number.isFinite(p) && p >= 0 && p <= 1;
      if (!probabilities.every(isProbability)) throw new Error(`${probabilities} of ${text}`);
      JSON.stringify(toPrediction(model.task, probabilities));
    }
  });
}

/** Loads a changed tokenizer.json, written to `file`, and cuts some texts. */
export function outcomeOfTokenizer(intact: string, file: string, seed: number): Promise<Outcome> {
  return outcomeOf(async () => {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, hostileJson(intact, randomOf(seed)));
    const tokenizer = TextTokenizer.load(file);
    for (const text of texts) {
      const ids = tokenizer.encode(text);
      if (!ids.every((id) => Number.isInteger(id) && id >= 0 && id < tokenizer.vocabularySize)) {
        throw new Error(`the ids ${ids}`);
      }
    }
  });
}

async function outcomeOf(load: () => Promise<void>): Promise<Outcome> {
  try {
    await load();
    return 'answers';
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const { code, message } = error;
    if (code === 'internal') throw error;
    // One line, and nothing that acts on a terminal.
    if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(message) || message.length > 5_000) {
      throw new Error(`the message ${JSON.stringify(message).slice(0, 500)}`, { cause: error });
    }
    return code;
  }
}
