import { describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { AppError } from '../../../../src/errors.ts';
import { testServer } from '../../../support/http-server.ts';

const text = 'I enjoy solving complex problems alone.';

/** A server whose engines fail with this error, and what it answers and logs. */
async function answerTo(error: Error) {
  const { url, scheduler, logged } = await testServer();
  scheduler.submit = () => Promise.reject(error);
  const answer = await request(url).post('/predict').send({ text });
  await new Promise((resolve) => setTimeout(resolve, 20));
  return { answer, logged };
}

describe('what fails inside', () => {
  it.each([
    ['a bug', new TypeError("cannot read '/etc/secret/keys.json'"), 500, 'internal'],
    ['a file', new AppError('file_missing', '/srv/secret is not there'), 500, 'file_missing'],
    ['an engine', new AppError('engine_failed', '/srv/secret died'), 503, 'engine_failed'],
  ])('%s is answered without a path or a stack', async (_name, error, status, code) => {
    const { answer } = await answerTo(error);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(answer.text).not.toMatch(/secret|\.ts|\.js|at \w|node_modules/);
  });

  it('stands in the log with its stack, in one line, whatever is in its message', async () => {
    const forged = 'broken\n{"level":"info","message":"forged"}\r\n\u001b[2K';
    const { logged } = await answerTo(new Error(forged));
    const lines = logged.join('').trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).level)).toEqual(['error', 'warn']);
    expect(JSON.parse(lines[0] ?? '').cause).toMatch(/broken[\s\S]*problem\.test/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(logged.join('')).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });
});
