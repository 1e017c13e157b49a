import { membersOf } from '../../containerizer/container/neighbours.js';
import {
  type NetworkFilters,
  networkFilterKeys,
  selectNetworks,
} from '../../containerizer/network/selection.js';
import { filterFlag } from '../filter-flag.js';
import { dockerNetwork } from '../format/docker-things.js';
import { type Format, formatFlag, formatted } from '../format/flag.js';
import { labelColumns } from '../format/labels.js';
import { type Column, table } from '../table.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'List the networks',
  example: 'berth network ls --filter label=team=web',
  declare(command) {
    command
      .option('-q, --quiet', 'only names')
      .addOption(filterFlag(networkFilterKeys))
      .addOption(formatFlag());
  },
  run({ roots, json, out }, _args, given) {
    const {
      quiet,
      filter = {},
      format,
    } = given as { quiet?: true; filter?: NetworkFilters; format?: Format };
    const networks = selectNetworks(roots, filter).map((network) => ({
      name: network.name,
      driver: 'bridge',
      subnet: network.subnet,
      subnet6: network.subnet6,
      internal: network.internal,
      bridge: network.bridge,
      labels: network.labels,
      created_at: network.created_at,
      containers: membersOf(roots, network.name).length,
    }));
    if (json || format === 'json') {
      out(`${JSON.stringify({ networks })}\n`);
      return 0;
    }
    if (format !== undefined) {
      const rows = networks.map((each) => ({ ...dockerNetwork(each), ...labelColumns(each.labels) }));
      out(formatted(format, rows));
      return 0;
    }
    if (quiet === true) {
      out(networks.map(({ name }) => `${name}\n`).join(''));
      return 0;
    }
    const rows = networks.map((each) => [
      each.name,
      each.subnet,
      each.subnet6 ?? '-',
      each.internal ? 'yes' : 'no',
      String(each.containers),
      each.bridge,
    ]);
    out(table(columns, rows));
    return 0;
  },
};

const columns: Column[] = [
  { header: 'NETWORK' },
  { header: 'SUBNET' },
  { header: 'IPV6' },
  { header: 'INTERNAL' },
  { header: 'CONTAINERS', align: 'right' },
  { header: 'BRIDGE' },
];
