import { MasterClient, masterFlag } from '../cluster/master-client.js';
import { findNode } from '../cluster/nodes.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Give a node no new tasks; those that run go on',
  example: 'berth node deactivate rack1-host7',
  declare(command) {
    masterFlag(command).argument('<node>', 'its host name, its id, or the beginning of it');
  },
  async run({ json, out }, [name = ''], flags) {
    const client = new MasterClient(flags as { master?: string });
    const { id } = await findNode(client, name);
    await client.tell({ type: 'DEACTIVATE_AGENT', deactivate_agent: { agent_id: { value: id } } });
    out(json ? `${JSON.stringify({ node: id })}\n` : `${id}\n`);
    return 0;
  },
};
