import { closeSync, openSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { places, type Roots } from '../../state/roots.js';
import type { ExitDocument } from './document.js';
import { readLines } from './leash.js';

/** A connection is refused, cut while it waits to be accepted, or closed under what is written first: nobody listens, or no longer. */
export function saysNobodyListens(code: string | undefined): boolean {
  return code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ECONNRESET' || code === 'EPIPE';
}

/** A connection to the supervisor of a container, or undefined when none listens. */
async function connectTo(roots: Roots, id: string): Promise<Socket | undefined> {
  const folder = places.run(roots, id);
  // A socket's address holds 107 bytes (unix(7)); a root's path may be longer. The descriptor's own path never is.
  let handle: number;
  try {
    handle = openSync(folder, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return await new Promise<Socket | undefined>((resolve, reject) => {
      const socket = connect(path.join('/proc/self/fd', String(handle), 'control.sock'));
      socket.once('connect', () => resolve(socket));
      socket.once('error', (error: NodeJS.ErrnoException) => {
        if (saysNobodyListens(error.code)) resolve(undefined);
        else reject(error);
      });
    });
  } finally {
    closeSync(handle);
  }
}

/**
 * Resolves with the container's end once it comes; undefined when the supervisor has gone without telling. Nothing polls. Waiting keeps this process alive unless told
 * otherwise.
 *
 * @param signal Calls it off: then nothing is told.
 */
export async function awaitExit(
  roots: Roots,
  id: string,
  { keepsAlive = true, signal }: { keepsAlive?: boolean; signal?: AbortSignal | undefined } = {},
): Promise<ExitDocument | undefined> {
  const socket = await connectTo(roots, id);
  if (socket === undefined) return undefined;
  if (!keepsAlive) socket.unref();
  // Nothing is asked: the end is told to everybody who is connected, and what is written to a supervisor that has just told it would cut off what it told.
  let exit: ExitDocument | undefined;
  const leave = () => socket.destroy();
  signal?.addEventListener('abort', leave);
  if (signal?.aborted === true) leave();
  try {
    for await (const line of readLines(socket)) if (line.kind === 'exited') exit = line.exit;
  } catch (error) {
    if (signal?.aborted !== true) throw error;
  } finally {
    signal?.removeEventListener('abort', leave);
  }
  return exit;
}

/** Has the supervisor signal the container's first process. Returns the errno, 0 for success; undefined when no supervisor answers. */
export async function sendSignal(roots: Roots, id: string, signal: number): Promise<number | undefined> {
  const socket = await connectTo(roots, id);
  if (socket === undefined) return undefined;
  socket.write(`signal ${signal}\n`);
  for await (const line of readLines(socket)) {
    if (line.kind === 'signalled') return line.errno;
  }
  return undefined;
}
