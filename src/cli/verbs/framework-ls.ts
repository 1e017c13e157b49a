import { MasterClient, masterFlag } from '../cluster/master-client.js';
import { sum, timeOf } from '../cluster/nodes.js';
import { type Column, table } from '../table.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'List the frameworks of the cluster',
  example: 'berth framework ls',
  declare(command) {
    masterFlag(command).option('-a, --all', 'those that are gone too');
  },
  async run({ json, out }, _args, flags) {
    const client = new MasterClient(flags as { master?: string });
    const known = await client.ask({ type: 'GET_FRAMEWORKS' }, 'get_frameworks');
    const gone = flags.all === true ? (known.completed_frameworks ?? []) : [];
    const frameworks = [...(known.frameworks ?? []), ...gone].map((each) => ({
      id: each.framework_info.id?.value ?? '',
      name: each.framework_info.name,
      user: each.framework_info.user,
      roles: each.framework_info.roles ?? [each.framework_info.role ?? '*'],
      state: gone.includes(each)
        ? 'gone'
        : each.connected
          ? 'connected'
          : each.recovered
            ? 'recovered'
            : 'away',
      cpus: sum(each.allocated_resources, 'cpus'),
      offers: each.offers?.length ?? 0,
      registered_at: timeOf((each.reregistered_time ?? each.registered_time)?.nanoseconds),
    }));
    if (json) {
      out(`${JSON.stringify({ frameworks })}\n`);
      return 0;
    }
    const rows = frameworks.map((each) => [
      each.id,
      each.name,
      each.roles.join(','),
      each.state,
      String(each.cpus),
      String(each.offers),
    ]);
    out(table(columns, rows));
    return 0;
  },
};

const columns: Column[] = [
  { header: 'FRAMEWORK' },
  { header: 'NAME' },
  { header: 'ROLES' },
  { header: 'STATE' },
  { header: 'CPUS', align: 'right' },
  { header: 'OFFERS', align: 'right' },
];
