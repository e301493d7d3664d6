// Express and transformers.js as their documentation shows them: one process, one pipeline, the runtime's own threads.
// PEER_MODULES: the folder that the packages are installed in; PEER_MODEL: a bundle; PEER_DTYPE: fp32 or q8; PORT.
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const { PEER_MODULES, PEER_MODEL, PEER_DTYPE, PORT } = process.env;
const require = createRequire(join(PEER_MODULES, 'package.json'));
const load = (name) => import(pathToFileURL(require.resolve(name)).href);
const { default: express } = await load('express');
const { env, pipeline } = await load('@huggingface/transformers');

env.localModelPath = dirname(PEER_MODEL);
env.allowRemoteModels = false;
const classify = await pipeline('text-classification', basename(PEER_MODEL), { dtype: PEER_DTYPE });
await classify('warm up', { top_k: null });

const app = express();
app.use(express.json({ limit: '1mb' }));
app.get('/health', (_, response) => response.json({ ready: true }));
app.post('/predict', async (request, response) => {
  response.json(await classify(request.body.text, { top_k: null }));
});
app.listen(Number(PORT), '127.0.0.1');
