import { readContainer } from '../../containerizer/container/catalogue.js';
import { layoutOfHost } from '../../containerizer/container/cgroup-places.js';
import type { ResourceLimits } from '../../containerizer/container/limits.js';
import { updateContainer } from '../../containerizer/container/update.js';
import { limitsSwap } from '../../containerizer/host/swap-accounting.js';
import { BerthError } from '../../errors/berth-error.js';
import type { Agent } from '../agent.js';
import { limitsOf } from '../container/limits.js';
import type { Executor } from './executor.js';
import { resourcesOf } from './executor-launch.js';

/** Lets the containers of executors use what they and their tasks may: one change of each at a time, by what is so when it begins. */
export class Fitting {
  private readonly changing = new Set<Executor>();
  private readonly again = new Set<Executor>();

  constructor(private readonly agent: Agent) {}

  fit(executor: Executor): void {
    if (this.changing.has(executor)) {
      this.again.add(executor);
      return;
    }
    this.changing.add(executor);
    this.change(executor)
      .catch((error) => {
        if (error instanceof BerthError) this.agent.note(`executor ${executor.id}: ${error.message}`);
        else this.agent.defect(error);
      })
      .finally(() => {
        this.changing.delete(executor);
        if (this.again.delete(executor)) this.fit(executor);
      });
  }

  private async change(executor: Executor): Promise<void> {
    const { roots, config } = this.agent;
    const container = executor.container && readContainer(roots, executor.containerId);
    if (container === undefined || container.state !== 'running') return;
    const { oomScoreAdj: _, ...limits } = limitsOf(resourcesOf(executor), undefined, config.cpuCeiling);
    const { memory } = container.document.limits;
    await updateContainer(roots, container, { ...limits, ...memoryLimits(limits.memory, memory) });
  }
}

/**
 * The ceiling is only ever raised: what a task has left behind in memory, as page cache or in the executor itself, must not have the next one killed. What is promised follows the tasks.
 *
 * @param wanted Bytes; undefined: no limit is asked for. @param present Bytes; null: there is no limit.
 */
export function memoryLimits(wanted: number | undefined, present: number | null): ResourceLimits {
  if (wanted === undefined) return {};
  if (present === null || wanted >= present)
    return {
      memory: wanted,
      memoryReservation: wanted,
      // Twice the memory, as at the launch: what there is may be less than the new ceiling.
      ...(limitsSwap(layoutOfHost()) && { memorySwap: wanted * 2 }),
    };
  return { memory: present, memoryReservation: wanted };
}
