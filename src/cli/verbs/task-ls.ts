import { MasterClient, masterFlag } from '../cluster/master-client.js';
import { mebibytes } from '../cluster/nodes.js';
import { listTasks } from '../cluster/tasks.js';
import { type Column, table } from '../table.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: "List the cluster's tasks",
  example: 'berth task ls --all',
  declare(command) {
    masterFlag(command).option('-a, --all', 'those that have ended too');
  },
  async run({ json, out }, _args, flags) {
    const tasks = await listTasks(new MasterClient(flags as { master?: string }), flags.all === true);
    if (json) {
      out(`${JSON.stringify({ tasks })}\n`);
      return 0;
    }
    const rows = tasks.map((task) => [
      task.id,
      task.name,
      task.node,
      task.state,
      String(task.cpus),
      mebibytes(task.memory),
      task.image ?? '-',
    ]);
    out(table(columns, rows));
    return 0;
  },
};

const columns: Column[] = [
  { header: 'TASK' },
  { header: 'NAME' },
  { header: 'NODE' },
  { header: 'STATE' },
  { header: 'CPUS', align: 'right' },
  { header: 'MEM', align: 'right' },
  { header: 'IMAGE' },
];
