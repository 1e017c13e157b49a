import { mkdirSync } from 'node:fs';
import { places, type Roots } from '../../state/roots.js';
import { Wake } from '../../state/wake.js';
import type { BerthEvent } from './event.js';
import { Journal } from './journal.js';
import { type EventSelection, isWanted } from './selection.js';

/** Sees to it that what nobody is left to tell is told: `watch` is called with each container that runs, and once for each start. */
export type Watch = (id: string) => void;

/**
 * What the journal tells, oldest first: what it has since `since`, and then what comes until `until` or until `signal` is aborted, if need be for ever. Nothing polls. `attend` is called when the
 * journal is being watched, and given what to call when something has gone wrong.
 */
export async function* followEvents(
  roots: Roots,
  selection: EventSelection,
  attend: (fail: (error: unknown) => void) => Watch,
  signal?: AbortSignal,
): AsyncGenerator<BerthEvent> {
  const { since, until } = selection;
  const folder = places.events(roots);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const wake = new Wake();
  const journal = new Journal(roots);
  let done = false;
  let failure: { error: unknown } | undefined;
  const finish = () => {
    done = true;
    wake.ring();
  };
  signal?.addEventListener('abort', finish);
  const stop = until === undefined ? () => {} : callAt(Date.parse(until), finish);
  try {
    // Watched before it is looked at: nothing is missed in between.
    wake.watch(folder);
    if (since === undefined) for (const _ of journal.events());
    const watch = attend((error) => {
      failure = { error };
      wake.ring();
    });
    for (;;) {
      const last = done;
      for (const event of journal.events()) {
        if (event.type === 'container' && event.action === 'start') watch(event.id);
        if (isWanted(event, selection)) yield event;
      }
      if (failure !== undefined) throw failure.error;
      if (last) return;
      await wake.sleep();
    }
  } finally {
    signal?.removeEventListener('abort', finish);
    stop();
    journal.close();
    wake.close();
  }
}

/** Calls at a moment, which may be past or far away. Gives what takes it back. */
function callAt(moment: number, call: () => void): () => void {
  const longest = 2 ** 31 - 1;
  let timer: NodeJS.Timeout | undefined;
  const set = () => {
    const left = moment - Date.now();
    timer = left <= longest ? setTimeout(call, Math.max(0, left)) : setTimeout(set, longest);
  };
  set();
  return () => clearTimeout(timer);
}
