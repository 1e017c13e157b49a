import type { BenchDocument } from '../row.js';

interface Closeable {
  close(): Promise<void>;
}

/** Opens a peer and adds it to what is to be closed. What is not there, or cannot run here, is skipped and said to be. */
export async function openPeer<Peer extends Closeable>(
  peer: string,
  open: () => Promise<Peer>,
  into: {
    opened: Closeable[];
    skipped: BenchDocument['details']['skipped'];
    note(text: string): void;
  },
): Promise<Peer | undefined> {
  try {
    const found = await open();
    into.opened.push(found);
    return found;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    into.skipped.push({ peer, reason });
    into.note(`skipped ${peer}: ${reason}`);
    return undefined;
  }
}
