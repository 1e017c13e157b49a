import path from 'node:path';
import { places, type Roots } from '../../state/roots.js';
import { Wake } from '../../state/wake.js';
import type { Container } from './catalogue.js';
import type { LogRecord } from './log-record.js';
import { LogTape } from './log-tape.js';
import { waitForExit } from './wait.js';

export type { LogRecord } from './log-record.js';

export interface LogSelection {
  /** The last so many lines; all by default. */
  tail?: number;
  /** RFC 3339 with nanoseconds, in UTC, both ends included. */
  since?: string;
  until?: string;
}

/** How a reading of a log ended. */
export interface LogEnd {
  /** Bytes of output that never reached the log; null: unknown, the container runs. */
  bytesDropped: number | null;
  /** Files went before they could be read. */
  missed: boolean;
}

const folderOf = (roots: Roots, id: string) => path.join(places.container(roots, id), 'logs');

/** The records of one container, oldest first, across rotated files. */
export function readLogs(roots: Roots, id: string, selection: LogSelection = {}): Generator<LogRecord> {
  return readLogFolder(folderOf(roots, id), selection);
}

/** The same of a log that lies elsewhere. */
export function* readLogFolder(folder: string, selection: LogSelection): Generator<LogRecord> {
  const tape = new LogTape(folder);
  try {
    yield* select(tape, selection);
  } finally {
    tape.close();
  }
}

/** The same, and then what is written until the container ends, or `until`. Nothing polls. */
export async function* followLogs(
  roots: Roots,
  container: Container,
  selection: LogSelection = {},
  signal?: AbortSignal,
): AsyncGenerator<LogRecord, LogEnd> {
  const { id } = container.document;
  const folder = folderOf(roots, id);
  const wake = new Wake();
  let bytesDropped = container.exit?.log_bytes_dropped ?? null;
  let done = false;
  const finish = () => {
    done = true;
    wake.ring();
  };
  if (container.state !== 'running') done = true;
  else {
    void waitForExit(roots, container, signal).then((exit) => {
      bytesDropped = exit.log_bytes_dropped;
      finish();
    }, finish);
  }
  const left = selection.until === undefined ? undefined : Date.parse(selection.until) - Date.now();
  const timer = left === undefined ? undefined : setTimeout(finish, Math.max(0, Math.min(left, 2 ** 31 - 1)));
  // Watched before it is looked at: nothing is missed in between. The folder comes with the first line.
  wake.watch(path.dirname(folder));
  wake.watch(folder);
  const tape = new LogTape(folder);
  try {
    yield* select(tape, selection);
    for (;;) {
      const last = done;
      wake.watch(folder);
      for (const record of tape.records()) if (within(record, selection)) yield record;
      if (last || signal?.aborted === true) return { bytesDropped, missed: tape.missed };
      await wake.sleep();
    }
  } finally {
    clearTimeout(timer);
    tape.close();
    wake.close();
  }
}

function* select(tape: LogTape, selection: LogSelection): Generator<LogRecord> {
  const wanted = (record: LogRecord) => within(record, selection);
  let skip = selection.tail === undefined ? 0 : Math.max(0, tape.countLines(wanted) - selection.tail);
  if (selection.tail === 0) skip = Number.POSITIVE_INFINITY;
  for (const record of tape.records()) {
    if (!wanted(record)) continue;
    if (skip === 0) yield record;
    else if (!record.partial) skip--;
  }
}

function within({ time }: LogRecord, { since, until }: LogSelection): boolean {
  return (since === undefined || time >= since) && (until === undefined || time <= until);
}
