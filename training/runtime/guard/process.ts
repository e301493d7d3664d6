import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { messageOf } from '../../../src/errors.ts';
import { packageRoot } from '../../../src/package-root.ts';
import { settingsOfSession } from '../folding.ts';
import { InferenceSession, Tensor } from '../onnxruntime.ts';
import {
  type Answer,
  MOST_RESULT_BYTES,
  type Opening,
  type PlainTensors,
  type Running,
} from './protocol.ts';

/**
 * A process that runs one model of unknown origin: the runtime may hang on it, take all memory or die, and this process
 * with it. A watchdog on a thread of its own ends it beyond its allowance, and when its parent is gone.
 */
let watchdog: Worker | undefined;
let session: InferenceSession | undefined;

process.on('message', (message: Opening | Running) => {
  const work = message.type === 'open' ? open(message) : run(message);
  work
    .catch((error: unknown): Answer => ({ type: 'failed', message: messageOf(error) }))
    .then((answer) => process.send?.(answer));
});
process.on('disconnect', () => process.exit());

async function open({ length, threads, allowance }: Opening): Promise<Answer> {
  const path = join(packageRoot, 'dist/training/runtime/guard/watchdog.js');
  watchdog = new Worker(path, { workerData: { allowance, parent: process.ppid } });
  const bytes = await received(length);
  session = await InferenceSession.create(bytes, {
    ...settingsOfSession(threads),
    logSeverityLevel: 4,
  });
  return { type: 'opened', inputs: session.inputMetadata.map(plainPort) };
}

const plainPort = (port: InferenceSession.ValueMetadata) =>
  port.isTensor
    ? { name: port.name, type: port.type, shape: [...port.shape] }
    : { name: port.name };

async function received(length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let at = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

async function run({ feeds, wanted }: Running): Promise<Answer> {
  if (session === undefined) throw new Error('no model is loaded');
  watchdog?.postMessage('begins');
  const tensors = Object.fromEntries(
    Object.entries(feeds).map(([name, { type, data, dims }]) => [
      name,
      new Tensor(type as 'int64', data as BigInt64Array, dims),
    ]),
  );
  const found = wanted ? await session.run(tensors, wanted) : await session.run(tensors);
  let bytes = 0;
  const results: Record<string, PlainTensors[string]> = {};
  for (const [name, { type, data, dims }] of Object.entries(found)) {
    bytes += (data as { byteLength?: number }).byteLength ?? 0;
    if (bytes > MOST_RESULT_BYTES) {
      throw new Error(`its results take more than ${MOST_RESULT_BYTES} bytes`);
    }
    results[name] = { type, data, dims };
  }
  return { type: 'results', results };
}
