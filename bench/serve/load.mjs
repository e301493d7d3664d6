import { Agent, request } from 'node:http';
import { generator } from './texts.mjs';

/** One request; resolves with its status once the answer is complete. */
function post(agent, { port, path }, text) {
  const body = JSON.stringify({ text });
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const call = request({ agent, host: '127.0.0.1', port, path, method: 'POST', headers });
    call.on('error', reject);
    call.on('response', (response) => {
      response.on('error', reject);
      response.on('end', () => resolve(response.statusCode));
      response.resume();
    });
    call.end(body);
  });
}

/**
 * Saturation: each connection sends its next text when it has its answer. After `seconds` nothing more is sent, and
 * what is under way counts together with its time. Texts a second.
 */
export async function saturate(server, nextText, { seconds, connections }) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const start = performance.now();
  let answered = 0;
  const connection = async () => {
    while (performance.now() - start < seconds * 1000) {
      const status = await post(agent, server, nextText());
      if (status !== 200) throw new Error(`${server.name} answered ${status}`);
      answered += 1;
    }
  };
  try {
    await Promise.all(Array.from({ length: connections }, connection));
    return (answered / (performance.now() - start)) * 1000;
  } finally {
    agent.destroy();
  }
}

/**
 * An open loop: texts arrive by chance (Poisson), `rate` a second, whether the server keeps up or not. Milliseconds
 * from a text's arrival to the end of its answer, sorted; refusals (429, 408) are counted apart.
 */
export async function arrivals(server, nextText, { seconds, rate }) {
  const agent = new Agent({ keepAlive: true });
  const random = generator(2);
  const latencies = [];
  let refused = 0;
  const send = async () => {
    const begun = performance.now();
    const status = await post(agent, server, nextText());
    if (status === 200) latencies.push(performance.now() - begun);
    else if (status === 429 || status === 408) refused += 1;
    else throw new Error(`${server.name} answered ${status}`);
  };
  const sent = [];
  const start = performance.now();
  for (let at = 0; at < seconds * 1000; at += (-Math.log(1 - random()) / rate) * 1000) {
    const wait = at - (performance.now() - start);
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    sent.push(send());
  }
  await Promise.all(sent);
  agent.destroy();
  return { latencies: latencies.sort((a, b) => a - b), refused };
}

/** Nearest rank. */
export const percentile = (sorted, share) => sorted[Math.ceil(sorted.length * share) - 1];
