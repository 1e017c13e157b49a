import type { FastifyReply } from 'fastify';

/** Characters. Strings of that length are young objects of V8's, which go soon. */
const most = 1 << 16;

/**
 * Answers 200 with a text that is long, and is asked for again and again: nothing is made of its length but what the kernel gets. A megabyte in one piece would be one of memory until the next full
 * collection, each time.
 */
export function sendLong(reply: FastifyReply, contentType: string, pieces: Iterable<string>): void {
  const parts = [...joined(pieces)];
  const length = parts.reduce((sum, part) => sum + Buffer.byteLength(part), 0);
  reply.hijack();
  const response = reply.raw;
  response.on('error', () => response.destroy());
  response.writeHead(200, { 'Content-Type': contentType, 'Content-Length': length });
  response.cork();
  for (const part of parts) response.write(part);
  response.end();
}

function* joined(pieces: Iterable<string>): Generator<string> {
  let some: string[] = [];
  let length = 0;
  for (const piece of pieces) {
    some.push(piece);
    length += piece.length;
    if (length < most) continue;
    yield some.join('');
    some = [];
    length = 0;
  }
  yield some.join('');
}
