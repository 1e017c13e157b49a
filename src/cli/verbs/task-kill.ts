import { InvalidArgumentError } from 'commander';
import { MasterClient, masterFlag } from '../cluster/master-client.js';
import { findTask } from '../cluster/tasks.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'End tasks of the cluster',
  example: 'berth task kill --grace 10 web-1',
  declare(command) {
    masterFlag(command)
      .argument('<task...>', 'ids, or their beginnings')
      .option('--grace <seconds>', 'between SIGTERM and SIGKILL (default: as the task says)', seconds);
  },
  async run({ json, out }, names, flags) {
    const client = new MasterClient(flags as { master?: string });
    const { grace } = flags as { grace?: number };
    const killed: string[] = [];
    for (const name of names) {
      const { row } = await findTask(client, name);
      await client.post('/berth/v1/kill-task', {
        framework_id: row.framework_id,
        task_id: row.id,
        ...(grace !== undefined && { grace_seconds: grace }),
      });
      killed.push(row.id);
      if (!json) out(`${row.id}\n`);
    }
    if (json) out(`${JSON.stringify({ tasks: killed })}\n`);
    return 0;
  },
};

function seconds(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is a number of seconds.');
}
