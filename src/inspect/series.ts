import os from 'node:os';
import type { Snapshot, TaskCounters } from './counters.js';
import { documentOf, hasProcesses, noSampling } from './inspection.js';
import type { InspectionDocument } from './row.js';
import { type Depth, rowsOf } from './rows.js';
import { takeSample } from './sample.js';
import type { InspectedTask } from './task-source.js';

/** One look after another, each once: what tasks did since the last one. Tasks may come and go in between. */
export class Series {
  #before: { tasks: InspectedTask[]; snapshot: Snapshot } | undefined;

  /** Undefined: there is nothing yet to compare with. */
  async look(tasks: InspectedTask[], depth: Depth): Promise<InspectionDocument | undefined> {
    const node = os.hostname();
    const living = tasks.filter(hasProcesses);
    if (living.length === 0) {
      this.#before = undefined;
      const place = { node, bootRealtime: 0 };
      return { sampling: noSampling, rows: tasks.flatMap((task) => rowsOf(task, undefined, place, depth)) };
    }
    const options = { intervalSeconds: 0, pss: false, threads: depth === 'thread' };
    const sample = await takeSample(living, options);
    const [after] = sample.snapshots;
    if (after === undefined) throw new RangeError('a sample has a snapshot');
    const before = this.#before && aligned(this.#before, living);
    this.#before = { tasks: living, snapshot: after };
    return before && documentOf(tasks, { ...sample, snapshots: [before, after] }, depth, node);
  }
}

/** An earlier snapshot as if it had been taken of these tasks. Of those that it was not taken of, nothing was counted. */
function aligned(
  { tasks, snapshot }: { tasks: InspectedTask[]; snapshot: Snapshot },
  now: InspectedTask[],
): Snapshot {
  const at = snapshot.tasks[0]?.at ?? 0;
  const counted = new Map(tasks.map((task, index) => [keyOf(task), snapshot.tasks[index]]));
  return { ...snapshot, tasks: now.map((task) => counted.get(keyOf(task)) ?? nothingCounted(at)) };
}

/** A container that was started again is another task. */
function keyOf({ id, pidStartTime }: InspectedTask): string {
  return `${id} ${pidStartTime}`;
}

function nothingCounted(at: number): TaskCounters {
  return {
    at,
    cpu: null,
    throttled: null,
    memory_stall: null,
    memory: null,
    inactive_file: null,
    memory_limit: null,
  };
}
