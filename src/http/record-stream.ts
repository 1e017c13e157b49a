import type { ServerResponse } from 'node:http';
import { frame } from './record-io.js';

/** A response that is a stream of records. Each record is one write and so one chunk of HTTP: some clients read no other way. */
export class RecordStream {
  private ended = false;
  private readonly closing: (() => void)[] = [];

  /**
   * @param limit Bytes that may wait for a slow reader. One that falls further behind is cut off, so that it cannot hold the memory of all.
   */
  constructor(
    private readonly response: ServerResponse,
    headers: Record<string, string>,
    private readonly limit: number,
  ) {
    // 'close' comes once, however the connection ends; an error alone says nothing more.
    response.on('error', () => response.destroy());
    response.once('close', () => this.close());
    response.writeHead(200, { 'Cache-Control': 'no-cache', ...headers });
    response.flushHeaders();
  }

  get closed(): boolean {
    return this.ended;
  }

  /** False: the reader is behind; `drained` resolves when it has caught up. */
  write(record: Uint8Array): boolean {
    if (this.ended) return false;
    this.hold();
    const ready = this.response.write(frame(record));
    if (ready || this.response.writableLength <= this.limit) return ready;
    this.response.destroy();
    this.close();
    return false;
  }

  drained(): Promise<void> {
    if (this.ended || !this.response.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      this.response.once('drain', resolve);
      this.closing.push(resolve);
    });
  }

  /** Ends the stream after what was written. */
  end(): void {
    if (this.ended) return;
    this.response.end();
    this.close();
  }

  /** Cuts it off without a word: the connection is thought dead. */
  destroy(): void {
    if (!this.ended) this.response.destroy();
    this.close();
  }

  /** Calls back once when the stream is over, whoever ended it. */
  onClose(call: () => void): void {
    if (this.ended) call();
    else this.closing.push(call);
  }

  /**
   * Keeps the connection back for this tick, as writing does by itself. But a response that does so (Node 26) makes one chunk of all that is written in the tick; held by another, the
   * connection gets one for each.
   */
  private hold(): void {
    const { socket } = this.response;
    if (socket === null || socket.writableCorked > 0) return;
    socket.cork();
    process.nextTick(() => socket.uncork());
  }

  private close(): void {
    if (this.ended) return;
    this.ended = true;
    for (const call of this.closing.splice(0)) call();
  }
}
