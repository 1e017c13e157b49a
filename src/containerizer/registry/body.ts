import { connectionFailure } from './connection-failure.js';
import type { TransferLimits } from './limits.js';
import type { Answer } from './transport.js';
import { Transient, WrongContent } from './trouble.js';

const mostWaiting = 4 * 2 ** 20;

/**
 * The chunks of a body as they come, several at a time when the reader is slower than the network. A server that sends less than `leastBytes` within the time of
 * `patience` is given up: `Transient`, as is a connection that is cut. `longest`: milliseconds for all of it.
 */
export async function* chunksOf(
  { body, url }: Answer,
  limits: TransferLimits,
  longest?: number,
): AsyncGenerator<Buffer[]> {
  let waiting: Buffer[] = [];
  let bytes = 0;
  let recent = 0;
  /** It was the reader who was slow, within the time that `recent` is of. */
  let held = false;
  let ended = false;
  let failure: Error | undefined;
  let wake = () => {};
  const fail = (error: Error) => {
    failure ??= error;
    wake();
  };
  const watch = setInterval(() => {
    if (!ended && !held && recent < limits.leastBytes)
      fail(new Transient(`${url.host} sends ${recent === 0 ? 'nothing any more' : 'too slowly'}`));
    recent = 0;
    held = body.isPaused();
  }, limits.patience);
  const late = () => fail(new Transient(`${url.host} takes too long`));
  const end = longest === undefined ? undefined : setTimeout(late, longest);
  body.on('data', (chunk: Buffer) => {
    waiting.push(chunk);
    bytes += chunk.length;
    recent += chunk.length;
    if (bytes > mostWaiting) {
      held = true;
      body.pause();
    }
    wake();
  });
  body.on('end', () => {
    ended = true;
    wake();
  });
  body.on('error', (error) => fail(connectionFailure(error, url, true)));
  body.on('close', () => {
    if (!ended) fail(new Transient(`${url.host}: the connection was cut`));
  });
  try {
    for (;;) {
      if (waiting.length > 0) {
        const chunks = waiting;
        waiting = [];
        bytes = 0;
        if (body.isPaused()) body.resume();
        yield chunks;
      } else if (failure !== undefined) throw failure;
      else if (ended) return;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  } finally {
    clearInterval(watch);
    clearTimeout(end);
    if (!ended) body.destroy();
  }
}

/** A small body whole; one that has more than `most` bytes is refused before it is read on. */
export async function readWhole(answer: Answer, most: number, limits: TransferLimits): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const chunks of chunksOf(answer, limits, limits.longestAnswer)) {
    for (const chunk of chunks) size += chunk.length;
    if (size > most) throw new WrongContent(`it has more than ${most} bytes`);
    parts.push(...chunks);
  }
  return Buffer.concat(parts);
}

/** Reads away what nobody wants to know, so that the connection can be used again. */
export async function discard(answer: Answer, most: number, limits: TransferLimits): Promise<void> {
  try {
    await readWhole(answer, most, limits);
  } catch (error) {
    // It was not wanted; the connection is closed instead.
    if (!(error instanceof Transient) && !(error instanceof WrongContent)) throw error;
  }
}
