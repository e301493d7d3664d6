import { join } from 'node:path';
import { beforeAll, describe, it } from '@jest/globals';
import {
  standsHostileRequests,
  standsKilledEngines,
  standsOverload,
  standsReloads,
  standsStop,
  standsTime,
} from '../support/faults/scenarios.ts';
import { serveProcess } from '../support/serve-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { writeTinyBundle } from '../support/tiny-bundle.ts';

const folder = temporaryFolder();
const bundle = join(folder.path, 'mbti');
beforeAll(() => writeTinyBundle(bundle));

/**
 * How much of each. With the usual amounts all of it takes half an hour; the environment may ask for less or more:
 * `MBTI_FAULTS_SOAK_SECONDS=180 npm run test:long`.
 */
const amount = (name: string, usual: number) => Number(process.env[`MBTI_FAULTS_${name}`] ?? usual);
const hostile = amount('HOSTILE', 10_000);
const overload = amount('OVERLOAD_SECONDS', 120);
const kills = amount('KILLS', 20);
const reloads = amount('RELOADS', 50);
const soak = amount('SOAK_SECONDS', 1_200);

const AN_HOUR = 60 * 60_000;
const serve = (...settings: string[]) =>
  serveProcess('--model', bundle, '--workers', '2', ...settings);

describe('mbti-serve, for long', () => {
  it(
    `answers none of ${hostile} hostile requests with 5xx (MBTI_FAULTS_HOSTILE)`,
    async () => standsHostileRequests(await serve(), hostile),
    AN_HOUR,
  );

  it(
    `answers or turns away at three times its capacity for ${overload} s (MBTI_FAULTS_OVERLOAD_SECONDS)`,
    async () =>
      standsOverload(await serve('queue.max_depth=16', 'limits.max_texts=16'), {
        seconds: overload,
        times: 3,
      }),
    AN_HOUR,
  );

  it(
    `gives no wrong answer while engines are killed ${kills} times (MBTI_FAULTS_KILLS)`,
    async () => standsKilledEngines(await serve(), kills),
    AN_HOUR,
  );

  it(
    `fails no request in ${reloads} reloads (MBTI_FAULTS_RELOADS)`,
    async () => standsReloads(await serve(), reloads),
    AN_HOUR,
  );

  it(
    'fails no request when it is stopped under load',
    () => standsStop('--model', bundle),
    AN_HOUR,
  );

  it(
    `fails no request and needs no more memory in ${soak} s of load, killed engines and reloads (MBTI_FAULTS_SOAK_SECONDS)`,
    async () => standsTime(await serve(), soak),
    AN_HOUR,
  );
});
