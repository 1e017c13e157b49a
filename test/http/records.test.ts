import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { type AddressInfo, connect } from 'node:net';
import path from 'node:path';
import tls from 'node:tls';
import t from 'tap';
import { HttpError } from '../../src/http/http-error.js';
import { LiveCertificates } from '../../src/http/live-certificates.js';
import { frame, RecordReader } from '../../src/http/record-io.js';
import { RecordStream } from '../../src/http/record-stream.js';
import { ApiServer } from '../../src/http/server.js';
import { until } from '../fixtures/until.js';
import { Certificates } from '../registry/certificates.js';

t.test('a record longer than the most is refused by its length alone', async (t) => {
  const reader = new RecordReader(5);
  t.strictSame(reader.push(frame(Buffer.from('12345'))).map(String), ['12345']);
  t.throws(() => reader.push(Buffer.from('6\n')), /6 bytes, and 5 are the most/);
  for (const text of ['x\n', '\n', '-1\n', '9'.repeat(21)])
    t.throws(() => new RecordReader(5).push(Buffer.from(text)), /length/, JSON.stringify(text));
});

t.test('who reads nothing is cut off, and holds no more memory than the limit', async (t) => {
  const server = createServer();
  t.teardown(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => {});
  client.pause();
  client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  const [, response] = await once(server, 'request');
  const limit = 1 << 20;
  const stream = new RecordStream(response, {}, limit);
  let closed = 0;
  stream.onClose(() => closed++);
  const record = Buffer.alloc(1 << 16);
  let most = 0;
  // What the kernel's buffers of both ends take is bounded; so many records are more than all of it.
  for (let count = 0; !stream.closed && count < 4096; count++) {
    stream.write(record);
    most = Math.max(most, stream.closed ? 0 : response.writableLength);
    if (count % 64 === 0) await new Promise(setImmediate);
  }
  t.ok(stream.closed);
  t.ok(most <= limit, `${most} bytes waited`);
  t.ok(response.destroyed);
  t.equal(closed, 1);
  t.notOk(stream.write(record));
  await stream.drained();
  client.destroy();
});

t.test('who has not said who he is makes room, and nobody else does', async (t) => {
  const folder = t.testdir({ tls: {} });
  const { certificate, key } = new Certificates(path.join(folder, 'tls')).issue('door');
  const files = { tlsCert: certificate, tlsKey: key, tlsCa: '' };
  for (const certificates of [undefined, new LiveCertificates(files, () => {})]) {
    const server = new ApiServer({
      authentication: {
        identify({ headers }) {
          if (headers.authorization !== 'me') throw new HttpError(401, 'who?');
          return { principal: 'me' };
        },
      },
      ...(certificates !== undefined && { certificates }),
      ...{
        bodyLimit: 1000,
        bodyTimeout: 1000,
        backlog: 3,
        onDefect: (error: unknown) => t.fail(String(error)),
      },
    });
    server.page(['/x'], () => ({}));
    const port = await server.listen('127.0.0.1', 0);
    const open = async (): Promise<Socket> => {
      const socket =
        certificates === undefined
          ? connect(port, '127.0.0.1')
          : tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
      socket.on('error', () => {});
      await once(socket, certificates === undefined ? 'connect' : 'secureConnect');
      return socket;
    };
    const ask = async (socket: Socket, who: string): Promise<string> => {
      socket.write(`GET /x HTTP/1.1\r\nHost: x\r\nAuthorization: ${who}\r\n\r\n`);
      return String((await once(socket, 'data'))[0]).slice(9, 12);
    };
    const mine = await open();
    t.equal(await ask(mine, 'me'), '200');
    await until(() => server.strangers.count === 0, 'it is known');
    const refused = await open();
    t.equal(await ask(refused, 'you'), '401');
    const others = [refused];
    for (let i = 0; i < 8; i++) {
      others.push(await open());
      await until(
        () => server.strangers.count === Math.min(others.length, server.strangers.most),
        'it is taken',
      );
    }
    for (const socket of others) socket.resume();
    await until(() => others.slice(0, 3).every(({ destroyed }) => destroyed), 'the first have gone');
    t.equal(others.filter(({ destroyed }) => !destroyed).length, 6);
    t.equal(await ask(mine, 'me'), '200', 'and who is known has not');
    for (const socket of [mine, ...others]) socket.destroy();
    await server.close();
  }
});

t.test(
  'each record is a chunk of its own, also of many that are written at once: clients of Mesos know no other',
  async (t) => {
    const server = createServer((_request, response) => {
      const stream = new RecordStream(response, {}, 1 << 20);
      for (const text of ['one', 'two', 'three']) stream.write(Buffer.from(text));
      setImmediate(() => {
        stream.write(Buffer.from('four'));
        stream.end();
      });
    });
    t.teardown(() => server.close());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    client.end('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    let answer = '';
    for await (const piece of client) answer += String(piece);
    const chunks = ['3\none', '3\ntwo', '5\nthree', '4\nfour'].map(
      (text) => `${text.length.toString(16)}\r\n${text}\r\n`,
    );
    t.equal(answer.slice(answer.indexOf('\r\n\r\n') + 4), `${chunks.join('')}0\r\n\r\n`);
  },
);
