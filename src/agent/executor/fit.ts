import { readContainer } from '../../containerizer/container/catalogue.js';
import { updateContainer } from '../../containerizer/container/update.js';
import { BerthError } from '../../errors/berth-error.js';
import type { Agent } from '../agent.js';
import { limitsOf } from '../container/limits.js';
import type { Executor } from './executor.js';
import { resourcesOf } from './executor-launch.js';

/** The container of an executor may use what it and its tasks may. */
export function fit(agent: Agent, executor: Executor): void {
  const container = executor.container && readContainer(agent.roots, executor.containerId);
  if (container === undefined || container.state !== 'running') return;
  const { oomScoreAdj: _, ...limits } = limitsOf(resourcesOf(executor), undefined, agent.config.cpuCeiling);
  updateContainer(agent.roots, container, limits).catch((error) => {
    if (error instanceof BerthError) agent.note(`executor ${executor.id}: ${error.message}`);
    else agent.defect(error);
  });
}
