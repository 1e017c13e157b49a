import { MasterClient, masterFlag } from '../cluster/master-client.js';
import { listNodes, mebibytes } from '../cluster/nodes.js';
import { type Column, table } from '../table.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: "List the cluster's nodes",
  example: 'berth node ls',
  declare(command) {
    masterFlag(command);
  },
  async run({ json, out }, _args, flags) {
    const nodes = await listNodes(new MasterClient(flags as { master?: string }));
    if (json) {
      out(`${JSON.stringify({ nodes })}\n`);
      return 0;
    }
    const rows = nodes.map((node) => [
      node.id,
      node.name,
      node.address ?? '-',
      node.state,
      `${node.cpus_used}/${node.cpus}`,
      `${mebibytes(node.memory_used)}/${mebibytes(node.memory)}`,
    ]);
    out(table(columns, rows));
    return 0;
  },
};

const columns: Column[] = [
  { header: 'NODE' },
  { header: 'NAME' },
  { header: 'ADDRESS' },
  { header: 'STATE' },
  { header: 'CPUS', align: 'right' },
  { header: 'MEM', align: 'right' },
];
