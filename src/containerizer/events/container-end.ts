import type { Roots } from '../../state/roots.js';
import type { BerthEvent } from './event.js';
import { Journal } from './journal.js';
import { tellContainer } from './tell.js';

interface Subject {
  id: string;
  name: string;
  image: string;
  /** RFC 3339. */
  created_at: string;
}

/**
 * Tells of an end that a killed supervisor did not tell of, or only half: its last act may have been to tell, and not to record. Whoever calls keeps others from doing
 * the same.
 */
export function tellLostEnd(
  roots: Roots,
  subject: Subject,
  run: { pid: number; startedAt: string },
  end: { status: number; signal: number | null; reason?: string },
): void {
  const told = toldOf(roots, subject.id);
  const started = told.findLastIndex(
    ({ action, attributes }) => action === 'start' && attributes.pid === run.pid,
  );
  const startIsGone = started < 0 && !reachesBack(roots, run.startedAt);
  if (started < 0 && !startIsGone) tellContainer(roots, subject, 'start', { pid: run.pid });
  const since = started >= 0 || startIsGone ? told.slice(started + 1) : [];
  if (since.some(({ action }) => action === 'die')) return;
  const attributes = { exit_code: end.status, signal: end.signal, oom_killed: false, reason: end.reason };
  tellContainer(roots, subject, 'die', attributes);
}

/**
 * Tells that a container is gone but for its volatile state. `now`: what else there was has just been removed, so nobody can have told before. One that nothing was told of is
 * what a launcher left that was killed.
 */
export function tellDestroyed(roots: Roots, subject: Subject, now: boolean): void {
  const told = toldOf(roots, subject.id);
  if (!now && told.some(({ action }) => action === 'destroy')) return;
  if (told.length === 0 && reachesBack(roots, subject.created_at)) return;
  tellContainer(roots, subject, 'destroy');
}

/** The end of a container's last run as the journal has it, of which there may be no other record: `run --rm` leaves none. Undefined: it was not told. */
export function toldEnd(roots: Roots, id: string, pid: number | undefined): ToldEnd | undefined {
  const told = toldOf(roots, id);
  const started = told.findLastIndex(
    ({ action, attributes }) => action === 'start' && attributes.pid === pid,
  );
  const die = told.slice(started + 1).findLast(({ action }) => action === 'die');
  const { exit_code, signal, oom_killed } = die?.attributes ?? {};
  if (die === undefined || started < 0 || typeof exit_code !== 'number') return undefined;
  return {
    format: 1,
    status: exit_code,
    signal: typeof signal === 'number' ? signal : null,
    oom_killed: oom_killed === true,
    finished_at: new Date(die.time).toISOString(),
    log_bytes_dropped: 0,
  };
}

interface ToldEnd {
  format: 1;
  status: number;
  signal: number | null;
  oom_killed: boolean;
  finished_at: string;
  log_bytes_dropped: number;
}

function toldOf(roots: Roots, id: string): BerthEvent[] {
  const journal = new Journal(roots);
  try {
    return [...journal.events(id)].filter((event) => event.type === 'container' && event.id === id);
  } finally {
    journal.close();
  }
}

/** Does the journal still have what was told at that moment? Older events are taken away in time. */
function reachesBack(roots: Roots, moment: string): boolean {
  const journal = new Journal(roots);
  try {
    const { value: oldest } = journal.events().next();
    return oldest === undefined || journal.first === 1 || Date.parse(oldest.time) <= Date.parse(moment);
  } finally {
    journal.close();
  }
}
