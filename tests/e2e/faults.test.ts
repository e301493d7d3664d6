import { join } from 'node:path';
import { beforeAll, describe, it } from '@jest/globals';
import { hostileRequests } from '../support/faults/hostile-requests.ts';
import { standsHostileRequests, standsOverload, standsStop } from '../support/faults/scenarios.ts';
import { serveProcess } from '../support/serve-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { writeTinyBundle } from '../support/tiny-bundle.ts';

// faults.long.test.ts has more of the same, and for longer.

const folder = temporaryFolder();
const bundle = join(folder.path, 'mbti');
beforeAll(() => writeTinyBundle(bundle));

describe('mbti-serve', () => {
  it('answers no hostile request with 5xx, and the others as ever', async () => {
    const server = await serveProcess('--model', bundle, '--workers', '2');
    await standsHostileRequests(server, hostileRequests.length * 2);
  });

  it('answers or turns away, and nothing else, at three times its capacity', async () => {
    const server = await serveProcess(
      '--model',
      bundle,
      '--workers',
      '1',
      'queue.max_depth=8',
      'limits.max_texts=8',
    );
    await standsOverload(server, { seconds: 1, times: 3 });
  });

  it('fails no request when it is stopped under load', async () => {
    await standsStop('--model', bundle, '--workers', '2');
  });
});
