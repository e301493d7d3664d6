import { readFileSync } from 'node:fs';
import { expect } from '@jest/globals';
import { openModel } from '../../../src/models/open-model.ts';
import { tinyGraph, writeTinyBundle } from '../../support/tiny-bundle.ts';
import { writeToneBundle } from '../../support/tone-bundle.ts';
import { until } from '../../support/until.ts';
import { learning } from './learning.ts';
import { once, type Row } from './row.ts';
import { serving } from './serving.ts';

const { serve, load, at } = serving();
const { compiled } = learning();

const settings = JSON.stringify({ calm: { limits: { max_texts: 1 } } });

/** Two versions of one model, and another. */
const several = once(async () => {
  await writeToneBundle(at('models/calm/1'), 1, { name: 'calm' });
  await writeToneBundle(at('models/calm/2'), 2, { name: 'calm' });
  await writeToneBundle(at('models/loud'), 3, { name: 'loud' });
  return serve(
    'models',
    ...['models.default_model=loud', 'models.versions=1', 'models.load_timeout_ms=1'],
    `models.settings=${settings}`,
  );
});

/** Its bundle is replaced at once: a change is looked for every two seconds, and other rows use them. */
const watched = once(async () => {
  await writeToneBundle(at('watched'), 1, { version: 'before' });
  const served = await serve('watched', 'server.watch=true');
  await writeToneBundle(at('watched'), 2, { version: 'after' });
  return served;
});

/** To be called before the other rows: they are what the time until then is used for. */
export const beginToWatch = async (): Promise<void> => {
  await watched();
};

const texts = ['a text of the first kind', 'a text of the second kind'];

/** Which models are served, and on what. */
export const modelRows: readonly Row[] = [
  {
    key: 'models.default_model',
    effect: 'answers where no model is named',
    see: async () => {
      const { body } = await (await several()).post('/predict', { text: 'who answers this' });
      expect(body).toMatchObject({ model: { name: 'loud' } });
    },
  },
  {
    key: 'models.versions',
    effect: 'is how many versions are served, the highest',
    see: async () => {
      const { models } = (await several()).server;
      expect(models.map(({ name, version }) => `${name} ${version}`)).toEqual([
        'calm 2',
        expect.stringMatching(/^loud /),
      ]);
    },
  },
  {
    key: 'models.settings',
    effect: 'gives one model a limit of its own, and leaves the others theirs',
    see: async () => {
      const { post } = await several();
      const infer = (model: string) =>
        post(`/v2/models/${model}/infer`, {
          inputs: [{ name: 'text', shape: [2], datatype: 'BYTES', data: texts }],
        });
      expect((await infer('calm')).status).toBe(400);
      expect((await infer('loud')).status).toBe(200);
    },
  },
  {
    key: 'models.load_timeout_ms',
    effect: 'keeps the old model where the new one is not there in time',
    see: async () => {
      const { server, metric } = await several();
      await expect(server.reload()).rejects.toThrow(/\b1 ms/);
      expect(await metric('mbti_reloads_total{model="loud",outcome="failure"}')).toBe(1);
    },
  },
  {
    key: 'runtime.precision',
    effect: 'chooses the file that is served, and the numbers of training',
    see: async () => {
      const files = { 'onnx/model_quantized.onnx': readFileSync(tinyGraph) };
      await writeTinyBundle(at('both'), {}, files);
      const opened = async (precision: string) => {
        const config = load(`runtime.precision=${precision}`, 'runtime.device=cpu');
        return (await openModel({ dir: at('both') }, config)).spec.modelFile;
      };
      expect(await opened('fp32')).toBe('onnx/model.onnx');
      expect(await opened('int8')).toBe('onnx/model_quantized.onnx');
      const inputs = (await compiled('runtime.precision=fp16')).compiled.training.graph.inputs;
      expect(inputs.map(({ name }) => name)).toContain('loss_scale');
    },
  },
  {
    key: 'runtime.device',
    effect: 'is where it runs: one that is not there is an error',
    instead: 'a GPU is not on every machine; the error of a missing device is',
    see: async () => {
      const missing = process.platform === 'darwin' ? 'dml' : 'coreml';
      await writeToneBundle(at('alone'), 1);
      await expect(serve('alone', `runtime.device=${missing}`)).rejects.toMatchObject({
        code: 'device_unavailable',
      });
    },
  },
  {
    key: 'server.watch',
    effect: 'loads a bundle that changes on disk',
    see: async () => {
      const { server } = await watched();
      await until(() => server.model.version === 'after');
    },
  },
];
