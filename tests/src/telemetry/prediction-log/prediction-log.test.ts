import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { loadConfig } from '../../../../src/config/index.ts';
import { openPredictionLog } from '../../../../src/telemetry/index.ts';
import {
  PredictionLog,
  type PredictionLogOptions,
} from '../../../../src/telemetry/prediction-log/prediction-log.ts';
import { testServer } from '../../../support/http-server.ts';
import { quietLogger } from '../../../support/quiet-logger.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const folder = temporaryFolder();
const text = 'I enjoy solving\nproblems "alone".';
const cleaned = 'I enjoy solving problems alone .';

function open(name: string, change: Partial<PredictionLogOptions> = {}) {
  const path = join(folder.path, name);
  const options = { keepTexts: false, sample: 1, maxBytes: 1e6, keepFiles: 1, keepDays: 1 };
  const log = new PredictionLog({ path, ...options, logger: quietLogger, ...change });
  const lines = async () => {
    await log.close();
    if (!existsSync(path)) return [];
    return readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
  };
  return { log, lines };
}

describe('the log of predictions', () => {
  it('has a line for every text of a request that was answered', async () => {
    const { log, lines } = open('kept.jsonl', { keepTexts: true });
    const { url } = await testServer({ predictionLog: log });
    const { body } = await request(url)
      .post('/predict')
      .set('x-request-id', 'order-17')
      .send({ texts: [text, 'Another text, also cleaned.'] });
    await request(url).post('/predict').send({ text: 'short' });
    const [first, second, ...none] = await lines();
    expect(none).toEqual([]);
    expect(first).toMatchObject({
      request_id: 'order-17',
      model: { name: 'tiny', version: 'abc' },
      text: cleaned,
      tokens: cleaned.length,
    });
    expect(Date.parse(first.time)).not.toBeNaN();
    for (const { dimension, label, score } of body.predictions[1].dimensions) {
      expect(second.labels[dimension]).toBe(label);
      // 5e-7: it is logged to six digits.
      expect(Math.abs(second.scores[dimension] - score)).toBeLessThanOrEqual(5e-7);
      expect(String(second.scores[dimension])).toMatch(/^[01](\.\d{1,6})?$/);
    }
  });

  it('has a text’s hash unless texts are to be kept', async () => {
    const { log, lines } = open('hashed.jsonl');
    log.record({ name: 'm', version: 'v' }, undefined, { text, dimensions: [], tokens: 3 });
    const [line] = await lines();
    expect(line.text).toBeUndefined();
    expect(line.text_sha256).toBe(createHash('sha256').update(text).digest('hex'));
  });

  it('takes the part of the texts that it is asked for', async () => {
    let next = 0;
    const random = () => (next++ % 10) / 10;
    const { log, lines } = open('sampled.jsonl', { sample: 0.3, random });
    for (let i = 0; i < 100; i += 1) {
      log.record({ name: 'm', version: 'v' }, undefined, { text, dimensions: [], tokens: 3 });
    }
    expect(await lines()).toHaveLength(30);
  });

  it('is off by default', () => {
    const { config } = loadConfig({ env: {} });
    expect(openPredictionLog(config, quietLogger)).toBeUndefined();
  });
});
