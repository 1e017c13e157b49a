import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { LaunchClient } from '../../containerizer/container/program.js';
import { native } from '../../native/index.js';

/** Bytes of what a program has written that are kept; the rest is read and forgotten, so that it never waits. */
export const mostKept = 4096;

/** The beginning of what a program writes, to its standard output and error alike. */
export class KeptOutput {
  /** Of a supervisor, until `handedOver`. */
  readonly client: LaunchClient;
  private readonly far: number;
  private readonly socket: Socket;
  private readonly parts: Buffer[] = [];
  private kept = 0;

  constructor() {
    const [own, far] = native().streamPair();
    this.far = far;
    this.client = { stdout: far, stderr: far };
    this.socket = new Socket({ fd: own, readable: true, writable: true });
    this.socket.on('data', (data: Buffer) => this.keep(data));
    this.socket.on('error', () => this.socket.destroy());
    // Nobody has to live for it.
    this.socket.unref();
  }

  /** The supervisor has its end of it, or never will. */
  handedOver(): void {
    closeSync(this.far);
  }

  /** Resolves once all that was written has been read. */
  whole(): Promise<void> {
    if (this.socket.destroyed || this.socket.readableEnded) return Promise.resolve();
    return new Promise((resolve) => this.socket.once('close', () => resolve()));
  }

  get text(): string {
    return Buffer.concat(this.parts).toString('utf8');
  }

  destroy(): void {
    this.socket.destroy();
  }

  private keep(data: Buffer): void {
    const part = data.subarray(0, mostKept - this.kept);
    if (part.length === 0) return;
    this.kept += part.length;
    // A copy: what it is part of may be much longer.
    this.parts.push(Buffer.from(part));
  }
}
