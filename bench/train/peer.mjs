import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A program that answers each line with a line of JSON; its first line says that it is ready. */
export class Peer {
  #child;
  #lines;
  #errors = '';
  ready;

  static async start(command, args) {
    const peer = new Peer();
    peer.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    peer.#child.on('error', () => undefined);
    peer.#child.stdin.on('error', () => undefined);
    peer.#child.stderr.on('data', (data) => {
      peer.#errors = (peer.#errors + data).slice(-2000);
    });
    const input = createInterface({ input: peer.#child.stdout });
    peer.#lines = input[Symbol.asyncIterator]();
    peer.ready = await peer.#answer();
    return peer;
  }

  get pid() {
    return this.#child.pid;
  }

  async ask(question) {
    this.#child.stdin.write(`${JSON.stringify(question)}\n`);
    return this.#answer();
  }

  /** Ends the program; resolves when it is gone. */
  async stop() {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return;
    const gone = new Promise((resolve) => this.#child.once('close', resolve));
    this.#child.stdin.end();
    await gone;
  }

  async #answer() {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`the program ended: ${this.#errors.trim() || 'without a message'}`);
    return JSON.parse(value);
  }
}
