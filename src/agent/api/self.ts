import { type Self, selfOf } from '../../http/self.js';
import type { Agent } from '../agent.js';

/** What an agent says of itself. */
export interface AgentSelf extends Self {
  /** As the master gave it; null: it has never registered. */
  id: string | null;
  hostname: string;
  /** That it speaks to, or tries to; null: none yet. */
  master: string | null;
  registered: boolean;
  /** Those that have not ended. */
  tasks: { id: string; framework_id: string; name: string; state: string; container_id: string }[];
}

export function selfPage({ id, config, link, tasks, endpoint }: Agent): AgentSelf {
  return {
    ...selfOf('agent', endpoint),
    id: id ?? null,
    hostname: config.hostname,
    master: link.master ?? null,
    registered: link.subscribed,
    tasks: [...tasks.values()]
      .filter((task) => !task.ended)
      .map((task) => ({
        id: task.id,
        framework_id: task.frameworkId,
        name: task.info.name,
        state: task.state,
        container_id: task.containerId,
      })),
  };
}
