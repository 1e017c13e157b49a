import { type Self, selfOf } from '../../http/self.js';
import type { Cluster } from '../cluster.js';

/** What a master says of itself. */
export interface MasterSelf extends Self {
  id: string;
  hostname: string;
  /** Those that are connected, and those that it knows. */
  agents_connected: number;
  agents: number;
  frameworks: number;
  /** Those that have not ended. */
  tasks: number;
}

export function selfPage({ info, agents, frameworks }: Cluster): MasterSelf {
  const { ip, port } = info.address ?? { port: info.port };
  const all = [...agents.values()];
  return {
    ...selfOf('master', `${ip}:${port}`),
    id: info.id,
    hostname: info.hostname ?? '',
    agents_connected: all.filter(({ link }) => link !== undefined).length,
    agents: all.length,
    frameworks: frameworks.size,
    tasks: [...frameworks.values()].reduce(
      (count, framework) => count + [...framework.tasks.values()].filter((task) => !task.ended).length,
      0,
    ),
  };
}
