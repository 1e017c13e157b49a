import type { Agent } from '../agent.js';
import { realTimers, type Timers } from '../checks/timers.js';
import type { KnownContainers } from './known-containers.js';
import { type StatisticsBoard, slice } from './statistics-board.js';

/** As many can be read while somebody waits for the answer: then nothing is read until somebody asks. */
export const few = 2 * slice;
/** Seconds: of more than those nothing is older. */
export const age = 60;
/** Milliseconds between looks at what has grown old. */
export const interval = 5_000;
/** Milliseconds after the start of a container in which others are waited for. */
export const gathering = 100;

/**
 * Where an agent runs many containers, reads their counters in passing: each soon after its start, and once a minute after that. So the first who asks is answered as fast as any other.
 */
export class StatisticsUpkeep {
  private readonly started = new Set<string>();
  private callOff: () => void = () => {};
  private stopGathering: (() => void) | undefined;
  private busy = false;
  private closed = false;

  constructor(
    private readonly agent: Pick<Agent, 'watchers' | 'tasks' | 'defect'>,
    private readonly containers: Pick<KnownContainers, 'running'>,
    private readonly board: Pick<StatisticsBoard, 'refresh'>,
    private readonly timers: Timers = realTimers,
  ) {
    agent.watchers.add({
      updated: ({ containerId }, { state }) => {
        if (state === 'TASK_RUNNING' && agent.tasks.size > few) this.soon(containerId);
      },
    });
    this.lookLater();
  }

  close(): void {
    this.closed = true;
    this.callOff();
    this.stopGathering?.();
  }

  private lookLater(): void {
    this.callOff = this.timers.after(interval, () => {
      this.look(this.ownContainers());
      this.lookLater();
    });
  }

  private soon(id: string): void {
    if (this.closed) return;
    this.started.add(id);
    this.stopGathering ??= this.timers.after(gathering, () => {
      this.stopGathering = undefined;
      const ids = [...this.started];
      this.started.clear();
      if (!this.look(ids)) for (const each of ids) this.soon(each);
    });
  }

  private ownContainers(): string[] {
    const ids = new Set<string>();
    for (const task of this.agent.tasks.values()) if (!task.ended) ids.add(task.containerId);
    return ids.size > few ? [...ids] : [];
  }

  /** One look at a time; false: one is under way. */
  private look(ids: readonly string[]): boolean {
    if (this.busy) return false;
    this.busy = true;
    this.refresh(ids)
      .catch((error) => this.agent.defect(error))
      .finally(() => {
        this.busy = false;
      });
    return true;
  }

  private async refresh(ids: readonly string[]): Promise<void> {
    for (let from = 0; from < ids.length && !this.closed; from += slice)
      await this.board.refresh(await this.containers.running(ids.slice(from, from + slice)), age);
  }
}
