import { setTimeout as sleep } from 'node:timers/promises';
import { InvalidArgumentError } from 'commander';
import { MasterClient, masterFlag } from '../cluster/master-client.js';
import { findNode } from '../cluster/nodes.js';
import type { Verb } from '../verb.js';

interface Flags {
  master?: string;
  maxGracePeriod?: number;
  markGone?: true;
  wait?: true;
}

/** Milliseconds between two questions of `--wait`. */
const pause = 500;

export const verb: Verb = {
  summary: 'End the tasks of a node and give it no new ones',
  example: 'berth node drain --max-grace-period 60 --wait rack1-host7',
  declare(command) {
    masterFlag(command)
      .argument('<node>', 'its host name, its id, or the beginning of it')
      .option('--max-grace-period <seconds>', 'the longest that a task may take to end', seconds)
      .option('--mark-gone', 'the node never comes back once its tasks have ended')
      .option('--wait', 'until all its tasks have ended');
  },
  async run({ json, out }, [name = ''], given) {
    const flags = given as Flags;
    const client = new MasterClient(flags);
    const { id } = await findNode(client, name);
    await client.tell({
      type: 'DRAIN_AGENT',
      drain_agent: {
        agent_id: { value: id },
        ...(flags.maxGracePeriod !== undefined && {
          max_grace_period: {
            seconds: Math.floor(flags.maxGracePeriod),
            nanos: Math.round((flags.maxGracePeriod % 1) * 1e9),
          },
        }),
        mark_gone: flags.markGone === true,
      },
    });
    while (flags.wait === true) {
      const { agents = [] } = await client.ask({ type: 'GET_AGENTS' }, 'get_agents');
      const agent = agents.find(({ agent_info }) => agent_info.id?.value === id);
      if (agent === undefined || agent.drain_info?.state !== 'DRAINING') break;
      await sleep(pause);
    }
    out(json ? `${JSON.stringify({ node: id })}\n` : `${id}\n`);
    return 0;
  },
};

function seconds(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is a number of seconds.');
}
