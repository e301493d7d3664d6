import { fileURLToPath } from 'node:url';
import { loadConfig } from '../../dist/src/config/index.js';
import { openModel } from '../../dist/src/models/open-model.js';
import { Peer } from '../train/peer.mjs';

const script = fileURLToPath(new URL('raw-process.mjs', import.meta.url));

/** As many engines as the server has, each fed texts one after another, with nothing between them and the texts. */
export async function startRaw(bundleDir, workers) {
  const { spec } = await openModel({ dir: bundleDir }, loadConfig({}).config);
  const start = (_, engine) =>
    Peer.start(process.execPath, [script, JSON.stringify({ spec, engine, workers })]);
  const engines = await Promise.all(Array.from({ length: workers }, start));
  return {
    name: 'raw engines',
    pids: engines.map(({ pid }) => pid),
    /** Texts a second of all engines together. */
    saturate: async (kind, seconds) => {
      const begun = performance.now();
      const windows = await Promise.all(engines.map((engine) => engine.ask({ kind, seconds })));
      const scored = windows.reduce((sum, window) => sum + window.scored, 0);
      return (scored / (performance.now() - begun)) * 1000;
    },
    stop: () => Promise.all(engines.map((engine) => engine.stop())),
  };
}
