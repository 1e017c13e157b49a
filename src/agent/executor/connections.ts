import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { HttpError } from '../../http/http-error.js';

/** Of one executor at once: one waits for events, and one for the end of each container that it has below its own. */
const most = 256;

/** Which connections are whose: a program in a container is not to take all the descriptors of its agent. */
export class Connections {
  private readonly all = new Map<string, Set<Socket>>();

  /** @param id Of the executor's container. Throws HttpError 429. */
  take(id: string, { socket }: IncomingMessage): void {
    let its = this.all.get(id);
    if (its === undefined) {
      its = new Set();
      this.all.set(id, its);
    }
    const own = its;
    if (own.has(socket)) return;
    if (own.size >= most)
      throw new HttpError(429, `An executor has ${most} connections at most`, { Connection: 'close' });
    own.add(socket);
    socket.once('close', () => {
      own.delete(socket);
      if (own.size === 0 && this.all.get(id) === own) this.all.delete(id);
    });
  }
}
