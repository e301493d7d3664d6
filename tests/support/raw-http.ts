import { connect } from 'node:net';

/** Sends bytes over a bare socket and reads until the server closes, or `quietMs` pass in silence. */
export function sendRaw(
  port: number,
  parts: readonly (string | Buffer)[],
  quietMs = 500,
): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    let read = '';
    const finish = () => {
      socket.destroy();
      resolve(read);
    };
    socket.setTimeout(quietMs, finish);
    socket.on('data', (part) => {
      read += part.toString('latin1');
    });
    socket.on('close', finish);
    socket.on('error', finish);
    for (const part of parts) socket.write(part);
  });
}
