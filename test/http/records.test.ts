import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import t from 'tap';
import { frame, RecordReader } from '../../src/http/record-io.js';
import { RecordStream } from '../../src/http/record-stream.js';

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
