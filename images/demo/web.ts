import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A TCP port of the loopback that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}

const patienceMs = 10_000;

/** The body of a web page; while nobody listens yet it asks again. */
export async function get(url: string, signal: AbortSignal): Promise<string> {
  const end = performance.now() + patienceMs;
  for (;;) {
    try {
      const response = await fetch(url, { signal });
      return await response.text();
    } catch (error) {
      signal.throwIfAborted();
      const { code } = ((error as Error).cause ?? {}) as { code?: string };
      if (code !== 'ECONNREFUSED') throw error;
      if (performance.now() > end)
        throw new Error(`nobody listens at ${url} after ${patienceMs / 1000} s`, { cause: error });
    }
    await sleep(20, undefined, { signal });
  }
}
