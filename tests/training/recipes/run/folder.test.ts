import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { loadConfig } from '../../../../src/config/index.ts';
import { AppError } from '../../../../src/errors.ts';
import {
  clearRun,
  decideRun,
  foreignBundle,
  hasAllThatIsWanted,
  isTrainingOver,
  markUnfinished,
  type Standing,
  type Start,
  standingOf,
  writeFinished,
} from '../../../../training/recipes/run/folder.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const folder = temporaryFolder();
let count = 0;

/** A configuration with a run folder of its own; where it began, its config.json is there. */
function run(...overrides: string[]) {
  const name = `r${count++}`;
  const dir = join(folder.path, name);
  const given = ['model.tokenizer=train', `run.dir=${dir}`, `model.out=${dir}-out`, ...overrides];
  const loaded = loadConfig({ overrides: given, env: {} });
  return {
    loaded,
    dir,
    with: (...more: string[]) => loadConfig({ overrides: [...given, ...more], env: {} }),
    write: (file: string, text = '{}') => folder.write(`${name}/${file}`, text),
    bundle: (manifest: object) =>
      folder.write(`${name}-out/manifest.json`, JSON.stringify(manifest)),
  };
}

/** A run that came so far. */
async function runAt(standing: Standing) {
  const made = run();
  if (standing !== 'none') made.write('config.json', JSON.stringify(made.loaded.resolved));
  if (standing === 'unfinished' || standing === 'finished') {
    made.write('checkpoints/last.safetensors');
  }
  if (standing === 'finished') await writeFinished(made.loaded, 'data', 'v1');
  expect(standingOf(made.dir)).toBe(standing);
  return made;
}

function decided(start: Start, loaded: Parameters<typeof decideRun>[1]): string {
  try {
    return decideRun(start, loaded).way;
  } catch (error) {
    return error instanceof AppError ? `exit ${error.exitCode}` : String(error);
  }
}

describe('the folder of a run', () => {
  it.each<[Start, Standing, string]>([
    ['begin', 'none', 'anew'],
    ['begin', 'begun', 'exit 2'],
    ['begin', 'unfinished', 'exit 2'],
    ['begin', 'finished', 'exit 2'],
    ['overwrite', 'none', 'anew'],
    ['overwrite', 'begun', 'anew'],
    ['overwrite', 'unfinished', 'anew'],
    ['overwrite', 'finished', 'anew'],
    ['resume', 'none', 'exit 3'],
    ['resume', 'begun', 'exit 3'],
    ['resume', 'unfinished', 'resume'],
    ['resume', 'finished', 'resume'],
    ['continue', 'none', 'anew'],
    ['continue', 'begun', 'anew'],
    ['continue', 'unfinished', 'resume'],
    ['continue', 'finished', 'check'],
  ])('under %s, holding %s: %s', async (start, standing, way) => {
    const { loaded } = await runAt(standing);
    expect(decided(start, loaded)).toBe(way);
  });

  it.each<Standing>(['begun', 'unfinished', 'finished'])(
    'that holds a run that is %s is refused by the names of the flags, and left as it is',
    async (standing) => {
      const { loaded, dir } = await runAt(standing);
      const before = readdirSync(dir);
      let refusal: unknown;
      try {
        decideRun('begin', loaded);
      } catch (error) {
        refusal = error;
      }
      expect(refusal).toMatchObject({
        code: 'usage',
        message: expect.stringContaining(dir),
        hint: expect.stringMatching(/--continue/),
      });
      expect((refusal as AppError).hint).toMatch(/--resume/);
      expect((refusal as AppError).hint).toMatch(/--overwrite/);
      expect(readdirSync(dir)).toEqual(before);
    },
  );

  it('that holds no run has nothing to go on from, and says how to begin one', async () => {
    const { loaded } = await runAt('none');
    expect(() => decideRun('resume', loaded)).toThrow(
      expect.objectContaining({
        message: expect.stringContaining('no run'),
        hint: expect.stringContaining('mbti-train --config'),
      }),
    );
    expect(decideRun('begin', loaded).notice).toBeUndefined();
  });

  it('of a run that was killed before its first checkpoint says so', async () => {
    const { loaded } = await runAt('begun');
    expect(() => decideRun('resume', loaded)).toThrow(/ended before its first checkpoint/);
    expect(decideRun('continue', loaded).notice).toMatch(/before its first checkpoint: it begins/);
  });

  it.each<Standing>(['unfinished', 'finished'])(
    'goes on (%s) only with what it began with: each key that differs is named',
    async (standing) => {
      const made = await runAt(standing);
      const other = made.with('train.epochs=3', 'seed=7');
      expect(() => decideRun('continue', other)).toThrow(
        /seed is 7 now: .* began with 42\ntrain\.epochs is 3 now: .* began with 10/,
      );
      const served = made.with('drift.window=5', 'quantize.min_agreement=0.5', 'server.port=1');
      expect(() => decideRun('continue', served)).not.toThrow();
    },
  );

  it('with a configuration that is empty or no JSON is refused by its name, with what to do', async () => {
    for (const text of ['', '{"train":', '{"nothing":1}']) {
      const made = await runAt('unfinished');
      made.write('config.json', text);
      expect(() => decideRun('continue', made.loaded)).toThrow(
        expect.objectContaining({
          code: 'data_invalid',
          message: expect.stringContaining('config.json'),
          hint: expect.stringContaining('--overwrite'),
        }),
      );
    }
  });

  it('is cleared of all that an older run left', async () => {
    const { dir, write } = await runAt('finished');
    for (const name of ['checkpoints/best.safetensors', 'log.jsonl', 'metrics.json']) write(name);
    clearRun(dir);
    expect(readdirSync(dir)).toEqual(['config.json']);
    expect(standingOf(dir)).toBe('begun');
  });
});

describe('a run whose training time alone had ended', () => {
  const log = (...events: object[]) => events.map((event) => `${JSON.stringify(event)}\n`).join('');
  const ended = log({ event: 'step', step: 9 }, { event: 'end', step: 9 });

  it('trains no more under --continue, nor where its bundle is to be another', async () => {
    const made = await runAt('unfinished');
    made.write('log.jsonl', ended);
    const other = made.with('quantize.min_agreement=0.5');
    expect(isTrainingOver('resume', 'continue', made.loaded, 9)).toBe(true);
    expect(isTrainingOver('resume', 'resume', other, 9)).toBe(true);
  });

  it('trains on under --resume alone', async () => {
    const made = await runAt('unfinished');
    made.write('log.jsonl', ended);
    expect(isTrainingOver('resume', 'resume', made.loaded, 9)).toBe(false);
  });

  it.each([
    ['steps came after it', log({ event: 'end', step: 5 }, { event: 'step', step: 9 })],
    ['it came after the checkpoint', log({ event: 'step', step: 9 }, { event: 'end', step: 12 })],
    ['it is not in the log', log({ event: 'step', step: 9 })],
    ['there is no whole line', '{"event":"en'],
  ])('has not ended where %s', async (_name, text) => {
    const made = await runAt('unfinished');
    made.write('log.jsonl', text);
    expect(isTrainingOver('resume', 'continue', made.loaded, 9)).toBe(false);
  });
});

describe('a finished run', () => {
  const bundle = { version: 'v1' };

  it('has all that is wanted where its bundle stands and is made with the same settings', async () => {
    const made = await runAt('finished');
    expect(hasAllThatIsWanted(made.loaded, 'data')).toBe(false);
    made.bundle(bundle);
    expect(hasAllThatIsWanted(made.loaded, 'data')).toBe(true);
    expect(hasAllThatIsWanted(made.with('drift.window=5'), 'data')).toBe(true);
    expect(hasAllThatIsWanted(made.with('explain.method=none'), 'data')).toBe(false);
    made.bundle({ version: 'v2' });
    expect(hasAllThatIsWanted(made.loaded, 'data')).toBe(false);
  });

  it('on other data is another run', async () => {
    const made = await runAt('finished');
    made.bundle(bundle);
    expect(() => hasAllThatIsWanted(made.loaded, 'other')).toThrow(/other data/);
  });

  it('is unfinished while its bundle is made again', async () => {
    const { dir } = await runAt('finished');
    markUnfinished(dir);
    expect(standingOf(dir)).toBe('unfinished');
    expect(existsSync(join(dir, 'checkpoints/last.safetensors'))).toBe(true);
  });
});

describe('a bundle that stands at model.out', () => {
  it("is named before training where it is another's", () => {
    const made = run();
    expect(foreignBundle(made.loaded, 'data')).toBeUndefined();
    const own = { config_hash: made.loaded.hash, data_hash: 'data', version: 'v1', created: 'c' };
    made.bundle(own);
    expect(foreignBundle(made.loaded, 'data')).toBeUndefined();
    expect(foreignBundle(made.loaded, 'new')).toMatch(/of other data \(version v1.*replaced/);
    expect(foreignBundle(made.with('seed=1'), 'data')).toMatch(/of another configuration/);
  });
});
