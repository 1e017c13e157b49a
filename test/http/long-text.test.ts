import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FastifyReply } from 'fastify';
import t from 'tap';
import { sendLong } from '../../src/http/long-text.js';

t.test('a long text in pieces arrives whole, whatever its letters', async (t) => {
  const texts = [[], ['short'], Array.from({ length: 5000 }, (_, i) => `${i}: ${'aä€😀'.repeat(i % 50)}\n`)];
  let asked = 0;
  const server = http.createServer((_, raw) =>
    sendLong({ hijack: () => {}, raw } as unknown as FastifyReply, 'text/plain', texts[asked++] ?? []),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  for (const pieces of texts) {
    const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { Connection: 'close' } });
    const text = pieces.join('');
    t.equal(response.headers.get('content-length'), String(Buffer.byteLength(text)));
    t.equal(await response.text(), text);
  }
});
