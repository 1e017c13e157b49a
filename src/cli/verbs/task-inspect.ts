import { MasterClient, masterFlag } from '../cluster/master-client.js';
import { findTask } from '../cluster/tasks.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Show all that the master knows of a task, as JSON',
  example: 'berth task inspect web-1',
  declare(command) {
    masterFlag(command).argument('<task>', 'its id, or the beginning of it');
  },
  async run({ json, out }, [name = ''], flags) {
    const { task, row } = await findTask(new MasterClient(flags as { master?: string }), name);
    const whole = { ...row, statuses: task.statuses ?? [], resources: task.resources ?? [], task };
    out(`${json ? JSON.stringify(whole) : JSON.stringify(whole, null, 2)}\n`);
    return 0;
  },
};
