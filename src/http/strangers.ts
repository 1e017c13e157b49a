import { readFileSync } from 'node:fs';
import type { Server, Socket } from 'node:net';

/**
 * Connections on which nobody has proven yet who asks. Any user of this host can make them, and each takes a descriptor that is needed for tasks: with too many of them the oldest goes. Who is
 * known is never cut off for others.
 */
export class Strangers {
  private readonly all = new Map<Socket | string, Socket>();

  constructor(readonly most: number) {}

  watch(server: Server): void {
    server.on('connection', (socket) => this.add(socket));
  }

  /** Who asks by this connection has proven who he is. */
  know(socket: Socket): void {
    this.all.delete(nameOf(socket));
  }

  get count(): number {
    return this.all.size;
  }

  private add(socket: Socket): void {
    const name = nameOf(socket);
    this.all.set(name, socket);
    socket.once('close', () => {
      if (this.all.get(name) === socket) this.all.delete(name);
    });
    if (this.all.size <= this.most) return;
    const [[oldest, its] = []] = this.all;
    if (oldest === undefined) return;
    this.all.delete(oldest);
    its?.destroy();
  }
}

/** By its other end: TLS has a socket of its own for the same connection. One over a local socket has no name there. */
function nameOf(socket: Socket): Socket | string {
  const { remoteAddress, remotePort, localPort } = socket;
  return remotePort === undefined ? socket : `${remoteAddress} ${remotePort} ${localPort}`;
}

/** How many files this process may have open (getrlimit(2)): Node has asked for as many as it can have. */
export function mostFiles(): number {
  const soft = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
  return soft === undefined || soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
}
