import { setTimeout as sleep } from 'node:timers/promises';
import { Connections } from './connection.mjs';
import { generator } from './texts.mjs';

/** Attempts at one request. */
const MOST_ATTEMPTS = 4;

/**
 * Resolves with the status once the answer is complete. A server that computes for longer than it keeps connections
 * open closes one just as the next request comes (seen with Express and transformers.js): that one is sent again.
 */
async function post(connections, server, text) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await connections.post(JSON.stringify({ text }));
    } catch (error) {
      if (['ECONNRESET', 'EPIPE'].includes(error.code) && attempt < MOST_ATTEMPTS) continue;
      throw new Error(`${server.name} did not answer: ${error.message}`, { cause: error });
    }
  }
}

/**
 * Saturation: each connection sends its next text when it has its answer. After `seconds` nothing more is sent, and
 * what is under way counts together with its time. Texts a second.
 */
export async function saturate(server, nextText, { seconds, connections }) {
  const kept = new Connections(server);
  const start = performance.now();
  let answered = 0;
  const connection = async () => {
    while (performance.now() - start < seconds * 1000) {
      const status = await post(kept, server, nextText());
      if (status !== 200) throw new Error(`${server.name} answered ${status}`);
      answered += 1;
    }
  };
  try {
    await Promise.all(Array.from({ length: connections }, connection));
    return (answered / (performance.now() - start)) * 1000;
  } finally {
    kept.close();
  }
}

/**
 * An open loop: texts arrive by chance (Poisson), `rate` a second, whether the server keeps up or not. Milliseconds
 * from a text's arrival to the end of its answer, sorted; refusals (429, 408) are counted apart.
 */
export async function arrivals(server, nextText, { seconds, rate }) {
  const kept = new Connections(server);
  const random = generator(2);
  const latencies = [];
  let refused = 0;
  const deliver = async (arrival) => {
    const status = await post(kept, server, nextText());
    if (status === 200) latencies.push(performance.now() - arrival);
    else if (status === 429 || status === 408) refused += 1;
    else throw new Error(`${server.name} answered ${status}`);
  };
  const sent = [];
  const start = performance.now();
  for (let at = start; at < start + seconds * 1000; at += (-Math.log(1 - random()) / rate) * 1000) {
    // Late by a timer's resolution it still counts from when it should have been sent.
    await sleep(Math.max(at - performance.now(), 0));
    const delivery = deliver(at);
    // A failure is told below, once all have been sent; until then it is not unhandled.
    delivery.catch(() => {});
    sent.push(delivery);
  }
  try {
    await Promise.all(sent);
  } finally {
    kept.close();
  }
  return { latencies: latencies.sort((a, b) => a - b), refused };
}

/** Nearest rank. */
export const percentile = (sorted, share) => sorted[Math.ceil(sorted.length * share) - 1];
