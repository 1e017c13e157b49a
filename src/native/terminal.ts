import type { ClientDescriptors } from './native.js';

/** The terminal that a person sits at, and handing it to a supervisor: native/addon/terminal.cc. */
export interface TerminalCalls {
  /** Null: the descriptor is no terminal. */
  terminalSize(fd: number): { rows: number; columns: number } | null;
  /** Passes every key on as it is (cfmakeraw(3)). Returns what `restoreTerminal` takes. Throws ENOTTY. */
  makeTerminalRaw(fd: number): Buffer;
  restoreTerminal(fd: number, before: Buffer): void;
  /**
   * Connects to the supervisor whose socket is `control.sock` in `folder`, and sends it one request with these three descriptors. Returns the connection, which the
   * caller owns. Throws ENOENT, ECONNREFUSED, ECONNRESET or EPIPE when nobody listens, or no longer.
   */
  attach(request: ClientDescriptors & { folder: string; request: string }): number;
}
