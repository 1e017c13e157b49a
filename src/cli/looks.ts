import { tasksOf } from '../agent/inspection/host-tasks.js';
import { isOf } from '../inspect/find-task.js';
import type { InspectionDocument } from '../inspect/row.js';
import type { Depth } from '../inspect/rows.js';
import { Series } from '../inspect/series.js';
import { type InspectedTask, isUp } from '../inspect/task-source.js';
import type { Roots } from '../state/roots.js';
import { inspectCluster } from './cluster/inspection.js';
import type { MasterClient } from './cluster/master-client.js';

/** What is looked at again and again. */
export interface Looks {
  readonly cluster: boolean;
  /** Undefined: there is nothing yet to compare with. `task`: one alone, by its id; of a pod's first container the whole pod. */
  look(task: string | null, depth: Depth): Promise<InspectionDocument | undefined>;
  /** Seconds of an interval that a look takes itself. */
  readonly within: number;
}

/** This host's own tasks. */
export class HostLooks implements Looks {
  readonly cluster = false;
  readonly within = 0;
  readonly #series = new Series();

  constructor(
    private readonly roots: Roots,
    private readonly tell: (told: string) => void,
  ) {}

  look(task: string | null, depth: Depth): Promise<InspectionDocument | undefined> {
    const tasks: InspectedTask[] = tasksOf(this.roots, (damage) => this.tell(damage.message)).filter(isUp);
    return this.#series.look(task === null ? tasks : tasks.filter(isOf(task)), depth);
  }
}

/** A cluster's. Its nodes take both samples of an interval themselves. */
export class ClusterLooks implements Looks {
  readonly cluster = true;
  readonly within: number;

  constructor(
    private readonly client: MasterClient,
    private readonly tell: (told: string) => void,
    interval: number,
  ) {
    this.within = interval;
  }

  async look(task: string | null, depth: Depth): Promise<InspectionDocument> {
    const document = await inspectCluster(this.client, {
      ...{ depth, interval: this.within, pss: false, note: this.tell },
      ...(task !== null && { task }),
    });
    return task === null
      ? document
      : { ...document, rows: document.rows.filter((row) => row.task_id === task) };
  }
}
