import { once } from 'node:events';
import { connect } from 'node:net';

/** Headers end here. */
const BLANK_LINE = '\r\n\r\n';

/**
 * One kept connection that sends one POST at a time. Node's own client takes several times as long for a request as this
 * one: time of the cores that the servers compute on. It reads what the benchmark's servers send: HTTP/1.1 with a content-length.
 */
export class Connection {
  #port;
  #path;
  #socket;
  #onBytes = () => {};
  #onGone = () => {};

  constructor({ port, path }) {
    this.#port = port;
    this.#path = path;
  }

  /** Resolves with the status once the answer is complete; rejects where the connection ends before. */
  async post(body) {
    if (!this.#socket) await this.#open();
    const length = Buffer.byteLength(body);
    const head = `POST ${this.#path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n`;
    const answer = this.#answer();
    this.#socket.write(`${head}content-length: ${length}${BLANK_LINE}${body}`);
    const { status, closes } = await answer;
    if (closes) this.close();
    return status;
  }

  close() {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  async #open() {
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true });
    this.#socket = socket;
    const gone = (error) => {
      if (this.#socket === socket) this.#socket = undefined;
      this.#onGone(error);
    };
    await once(socket, 'connect');
    socket.on('data', (bytes) => this.#onBytes(bytes));
    socket.on('error', gone);
    socket.on('close', () => gone(Object.assign(new Error('it closed'), { code: 'ECONNRESET' })));
  }

  #answer() {
    return new Promise((resolve, reject) => {
      let read = '';
      this.#onGone = reject;
      this.#onBytes = (bytes) => {
        read += bytes.toString('latin1');
        const end = read.indexOf(BLANK_LINE);
        if (end < 0) return;
        const head = read.slice(0, end);
        const length = /^content-length: *(\d+)/im.exec(head)?.[1];
        if (length === undefined) reject(new Error(`no content-length in ${head}`));
        if (read.length < end + BLANK_LINE.length + Number(length)) return;
        const status = Number(head.slice('HTTP/1.1 '.length).split(' ', 1)[0]);
        resolve({ status, closes: /^connection: *close/im.test(head) });
      };
    });
  }
}

/** Connections to one server that are free, so many as are needed at once. */
export class Connections {
  #server;
  #free = [];

  constructor(server) {
    this.#server = server;
  }

  async post(body) {
    const connection = this.#free.pop() ?? new Connection(this.#server);
    const status = await connection.post(body);
    this.#free.push(connection);
    return status;
  }

  close() {
    for (const connection of this.#free) connection.close();
    this.#free = [];
  }
}
