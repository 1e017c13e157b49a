import { MasterClient, masterFlag } from '../cluster/master-client.js';
import { findNode } from '../cluster/nodes.js';
import { listTasks } from '../cluster/tasks.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Show a node, its resources and its tasks, as JSON',
  example: 'berth node inspect rack1-host7',
  declare(command) {
    masterFlag(command).argument('<node>', 'its host name, its id, or the beginning of it');
  },
  async run({ json, out }, [name = ''], flags) {
    const client = new MasterClient(flags as { master?: string });
    const node = await findNode(client, name);
    const { agents = [] } = await client.ask({ type: 'GET_AGENTS' }, 'get_agents');
    const tasks = (await listTasks(client, false)).filter((task) => task.node_id === node.id);
    const agent = agents.find(({ agent_info }) => agent_info.id?.value === node.id) ?? null;
    const whole = { ...node, tasks, agent };
    out(`${json ? JSON.stringify(whole) : JSON.stringify(whole, null, 2)}\n`);
    return 0;
  },
};
