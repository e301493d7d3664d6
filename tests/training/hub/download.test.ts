import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { downloadModel } from '../../../training/hub/index.ts';
import { type HubServer, hubServer } from '../../support/hub-server.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const temporary = temporaryFolder();
const weights = Buffer.alloc(200_000, 'weights ');
const files = {
  'config.json': '{"model_type":"bert"}',
  'tokenizer.json': '{"version":"1.0"}',
  'tokenizer_config.json': '{}',
  'model.safetensors': weights,
  'onnx/model.onnx': 'a graph',
  'README.md': 'not needed',
};

let hub: HubServer;
let cache: string;
let shown: string;

beforeEach(async () => {
  hub = await hubServer(files);
  cache = mkdtempSync(join(temporary.path, 'cache-'));
  shown = '';
});
afterEach(() => hub.close());

interface Changes {
  readonly offline?: boolean;
  readonly endpoint?: string;
  readonly cache?: string;
  readonly token?: string;
}

const download = (text = 'hf:org/model', changes: Changes = {}): Promise<string> =>
  downloadModel(text, {
    screen: { write: (line) => (shown += line) },
    settings: { endpoint: hub.endpoint, cache, offline: false, token: undefined, ...changes },
    timing: { pause: 1 },
  });
const read = (folder: string, path: string): string => readFileSync(join(folder, path), 'utf8');
const gets = (): string[] => hub.requests.filter((line) => line.startsWith('GET'));
const incomplete = (folder: string): string[] =>
  readdirSync(folder).filter((name) => name.endsWith('.incomplete'));
const snapshot = (): string => join(cache, 'models--org--model/snapshots', hub.commit);

describe('a model of a hub', () => {
  it('is downloaded to the cache: config, tokenizer and weights, each with a line', async () => {
    const folder = await download();
    expect(folder).toBe(snapshot());
    expect(readdirSync(folder).sort()).toEqual([
      'config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    expect(readFileSync(join(folder, 'model.safetensors')).equals(weights)).toBe(true);
    expect(shown).toMatch(/download {3}model\.safetensors {2}0\.2 MB of 0\.2 MB\n/);
  });

  it('is its graph where its architecture cannot be exported', async () => {
    hub.files.set('config.json', Buffer.from('{"model_type":"roberta"}'));
    const folder = await download();
    expect(read(folder, 'onnx/model.onnx')).toBe('a graph');
    expect(existsSync(join(folder, 'model.safetensors'))).toBe(false);
    hub.files.delete('onnx/model.onnx');
    hub.commit = 'c'.repeat(40);
    await expect(download()).rejects.toThrow(/has no onnx\/model\.onnx/);
  });

  it('is its graph where there are no safetensors', async () => {
    hub.files.delete('model.safetensors');
    expect(read(await download(), 'onnx/model.onnx')).toBe('a graph');
  });

  it('has its weights in shards where an index says so', async () => {
    hub.files.delete('model.safetensors');
    const index = {
      weight_map: { a: 'm-1.safetensors', b: 'm-2.safetensors', c: 'm-1.safetensors' },
    };
    hub.files.set('model.safetensors.index.json', Buffer.from(JSON.stringify(index)));
    hub.files.set('m-1.safetensors', Buffer.from('one'));
    await expect(download()).rejects.toMatchObject({
      code: 'file_missing',
      message: expect.stringContaining('m-2.safetensors'),
    });
    hub.files.set('m-2.safetensors', Buffer.from('two'));
    const folder = await download();
    expect(read(folder, 'm-1.safetensors') + read(folder, 'm-2.safetensors')).toBe('onetwo');
  });

  it('is not downloaded again, and by its commit not even asked for', async () => {
    await download();
    hub.requests.length = 0;
    await download();
    expect(gets()).toEqual([]);
    hub.requests.length = 0;
    expect(await download(`hf:org/model@${hub.commit}`)).toBe(snapshot());
    expect(hub.requests).toEqual([]);
  });

  it('is downloaded anew where the branch has moved on', async () => {
    const before = await download();
    hub.commit = 'b'.repeat(40);
    hub.files.set('config.json', Buffer.from('{"model_type":"distilbert"}'));
    const after = await download();
    expect(after).not.toBe(before);
    expect(read(after, 'config.json')).toBe('{"model_type":"distilbert"}');
    expect(read(before, 'config.json')).toBe(files['config.json']);
  });
});

describe('a download that is cut off', () => {
  it('goes on where it stopped', async () => {
    hub.cuts.set('model.safetensors', 70_000);
    const folder = await download();
    expect(readFileSync(join(folder, 'model.safetensors')).equals(weights)).toBe(true);
    const ranges = gets().filter((line) => line.includes('bytes='));
    expect(ranges.length).toBeGreaterThan(0);
    const [, start] = ranges[0]!.match(/bytes=(\d+)-/)!;
    expect(Number(start)).toBeGreaterThan(0);
    expect(Number(start)).toBeLessThanOrEqual(70_000);
    expect(incomplete(folder)).toEqual([]);
  });

  it('goes on in the next run from what is there', async () => {
    const file = join(await download(), 'model.safetensors');
    // What a killed run leaves behind: the file's beginning under its temporary name.
    const hash = createHash('sha256').update(weights).digest('hex');
    rmSync(file);
    writeFileSync(`${file}.${hash.slice(0, 12)}.incomplete`, weights.subarray(0, 150_000));
    hub.requests.length = 0;
    await download();
    expect(gets()).toEqual([
      'GET model.safetensors bytes=150000-',
      'GET model.safetensors bytes=150000-',
    ]);
    expect(readFileSync(file).equals(weights)).toBe(true);
  });

  it('begins again where the server knows no ranges', async () => {
    hub.cuts.set('model.safetensors', 70_000);
    hub.ranges = false;
    const folder = await download();
    expect(readFileSync(join(folder, 'model.safetensors')).equals(weights)).toBe(true);
  });

  it('survives a server that fails for a moment', async () => {
    hub.failures = 3;
    expect(existsSync(join(await download(), 'model.safetensors'))).toBe(true);
  });
});

describe('a download is refused', () => {
  it.each(['model.safetensors', 'config.json'])(
    'for a wrong hash, and %s does not stay',
    async (path) => {
      if (path === 'config.json') {
        const { files: held } = hub;
        const real = held.get.bind(held);
        // The bytes that are sent differ from those that the hash was made of.
        let asked = 0;
        held.get = (name) =>
          name === path && asked++ > 0 ? Buffer.from('{"model_type":"Bert"}') : real(name);
      } else hub.wrongHashes.add(path);
      await expect(download()).rejects.toMatchObject({
        code: 'data_invalid',
        message: expect.stringMatching(
          new RegExp(`${path} was downloaded wrongly: its .* expected`),
        ),
      });
      expect(readdirSync(snapshot()).filter((name) => name.startsWith(path))).toEqual([]);
    },
  );

  it.each([
    ['hf:org/nothing', /there is no such model/],
    ['hf:org/model@v9', /that revision does not exist/],
  ])('for %s', async (text, message) => {
    await expect(download(text)).rejects.toMatchObject({
      code: 'file_missing',
      message: expect.stringMatching(message),
    });
  });

  it.each(['tokenizer.json', 'config.json'])('for a model without %s', async (path) => {
    hub.files.delete(path);
    await expect(download()).rejects.toMatchObject({
      code: 'file_missing',
      message: expect.stringContaining(`has no ${path}`),
    });
  });

  it('where the hub cannot be reached, with what to do', async () => {
    await expect(
      download('hf:org/model', { endpoint: 'http://127.0.0.1:1' }),
    ).rejects.toMatchObject({
      code: 'file_missing',
      message: expect.stringContaining('cannot be reached'),
      hint: expect.stringContaining('HF_HUB_OFFLINE'),
    });
  });

  it.each(['hf:', 'hf:a/b/c', 'hf:../x', 'hf:a/b@', 'hf:a/b@../..', 'hf:a b/c', 'hf:a/b?x=1'])(
    'for %s, which is no reference',
    async (text) => {
      await expect(download(text)).rejects.toMatchObject({ code: 'config_invalid' });
      expect(hub.requests).toEqual([]);
    },
  );
});

describe('an answer that refuses', () => {
  it.each<[number, string | undefined, Record<string, string>, RegExp, RegExp, number]>([
    [
      401,
      undefined,
      {},
      /private, needs its terms to be accepted, or does not exist/,
      /HF_TOKEN/,
      1,
    ],
    [401, 'wrong', {}, /HF_TOKEN is not accepted/, /valid token/, 1],
    [403, undefined, {}, /may not be read/, /accept the model's terms/, 1],
    [403, 'mine', {}, /may not be read/, /the one that is set may not/, 1],
    [404, undefined, { 'x-error-code': 'RepoNotFound' }, /no such model/, /hf:org\/repo/, 1],
    [418, undefined, {}, /the answer was 418/, /hf:org\/repo/, 1],
    [429, undefined, {}, /answers 429: too many requests/, /few minutes.*HF_TOKEN/, 5],
    [429, 'mine', { 'retry-after': '90' }, /answers 429/, /wait 90 seconds and run it again/, 1],
    [502, undefined, {}, /answers 502: the hub itself fails/, /later.*HF_ENDPOINT/, 5],
  ])('of %i (token %s) says what to do', async (status, token, headers, says, hint, tries) => {
    hub.refusal = { status, headers };
    const own = token === undefined ? {} : { token };
    await expect(download('hf:org/model', own)).rejects.toMatchObject({
      code: 'file_missing',
      message: expect.stringMatching(says),
      hint: expect.stringMatching(hint),
    });
    expect(hub.requests.length).toBe(tries);
  });
});

describe('a cache that cannot be written', () => {
  it('is named where a part of its path is a file, and no request is repeated', async () => {
    const file = join(cache, 'file');
    writeFileSync(file, '');
    await expect(download('hf:org/model', { cache: join(file, 'hub') })).rejects.toMatchObject({
      code: 'write_failed',
      message: expect.stringMatching(/file\/hub.* cannot be written: ENOTDIR/),
      hint: expect.stringMatching(/is a file, not a folder.*HF_HUB_CACHE/),
    });
    expect(hub.requests).toEqual(['HEAD config.json']);
  });

  it('is named where a folder stands in the place of a file', async () => {
    mkdirSync(join(cache, 'models--org--model/refs/main/inside'), { recursive: true });
    await expect(download()).rejects.toMatchObject({
      code: 'write_failed',
      message: expect.stringMatching(/refs\/main cannot be written/),
    });
  });

  (existsSync('/dev/full') ? it : it.skip)('is named where the disk is full', async () => {
    const hash = createHash('sha256').update(weights).digest('hex').slice(0, 12);
    mkdirSync(snapshot(), { recursive: true });
    symlinkSync('/dev/full', join(snapshot(), `model.safetensors.${hash}.incomplete`));
    await expect(download()).rejects.toMatchObject({
      code: 'write_failed',
      message: expect.stringMatching(/model\.safetensors.* cannot be written: ENOSPC/),
      hint: expect.stringMatching(/the disk is full.*HF_HUB_CACHE/),
    });
    expect(gets().filter((line) => line.includes('model.safetensors')).length).toBeLessThanOrEqual(
      2,
    );
  });
});

describe('offline', () => {
  it('the cache is used, and nothing is asked for', async () => {
    const folder = await download();
    hub.requests.length = 0;
    expect(await download('hf:org/model', { offline: true })).toBe(folder);
    expect(hub.requests).toEqual([]);
  });

  it('what is missing is named', async () => {
    await expect(download('hf:org/model', { offline: true })).rejects.toMatchObject({
      code: 'file_missing',
      message: expect.stringMatching(/the model is not in the cache .*HF_HUB_OFFLINE/),
    });
    hub.files.delete('model.safetensors');
    hub.files.delete('onnx/model.onnx');
    await expect(download()).rejects.toThrow(/has no model\.safetensors/);
    await expect(download(`hf:org/model@${hub.commit}`, { offline: true })).rejects.toThrow(
      /model\.safetensors is not in the cache/,
    );
  });
});
