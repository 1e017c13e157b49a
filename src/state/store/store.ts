import type { ErrorCode } from '../../errors/table.js';

/**
 * What a daemon must not forget: documents by table and key. One writer at a time.
 *
 * - `recovered` gives back everything that was durable when the last writer ended, however it ended: for each key the last document that was put, or
 *   none if it was deleted after that. Of changes that were not yet durable any beginning may be there, never one without those before it.
 * - `put` and `delete` take effect in memory at once and become durable in the order of the calls.
 * - `flushed` calls back once everything before it is durable; callbacks come in the order of the calls.
 * - A store that cannot keep its promise (a broken disk, or a full one where the room that it holds back is used up too) reports it by `onFailure` once and calls back no more:
 *   its owner must end. What a callback throws goes to `onDefect`, and the others are called all the same.
 */
export interface Store {
  /** Every document by its name (`documentName`); asked before the first change, they are those that were found. */
  recovered(): Map<string, unknown>;
  put(table: string, key: string, document: unknown): void;
  delete(table: string, key: string): void;
  flushed(call: () => void): void;
  /** Makes everything durable and lets go. */
  close(): Promise<void>;
}

export interface StoreOptions {
  owner: StoreOwner;
  onFailure(error: Error): void;
  /** Told of what a callback has thrown. */
  onDefect(error: unknown): void;
}

/** Whose store it is, as messages have it. */
export interface StoreOwner {
  code: ErrorCode;
  /** `master`, `agent`. */
  name: string;
  /** What to do about a damaged one. */
  mend: string;
}

/** Opens a store, taking the place of a writer that has ended. Throws when another still writes. */
export type OpenStore = (options: Pick<StoreOptions, 'onFailure' | 'onDefect'>) => Promise<Store>;

/** How `recovered` names a document. */
export const documentName = (table: string, key: string) => `${table}/${key}`;
