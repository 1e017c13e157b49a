import { BerthError } from '../../errors/berth-error.js';
import type { ContainerOptions } from './options.js';

/** Refuses options that cannot hold together, each with one line that names both. */
export function refuseConflicts(options: ContainerOptions): void {
  const { uts, ipc, userns, hostname, domainname, shmSize, volumes, remove, restart } = options;
  const conflicts: [boolean, string, string][] = [
    [uts !== 'private' && hostname !== undefined, '--hostname', othersName(uts)],
    [uts !== 'private' && domainname !== undefined, '--domainname', othersName(uts)],
    [
      shmSize !== undefined && ipc !== 'private' && ipc !== 'shareable',
      '--shm-size',
      `--ipc ${typeof ipc === 'string' ? ipc : `container:${ipc.container}`} leaves it no /dev/shm of its own`,
    ],
    [
      userns !== 'host' && volumes.some(({ propagation }) => propagation === 'shared'),
      '--volume',
      'what is mounted in a container with ids of its own never reaches the host: rslave and --userns host are the ways',
    ],
  ];
  conflicts.push([remove && restart !== undefined, '--restart', '--rm leaves nothing to be started again']);
  conflicts.push(...networkConflicts(options));
  for (const [holds, what, why] of conflicts) if (holds) throw new BerthError('USAGE', { what, why });
}

function othersName(uts: ContainerOptions['uts']): string {
  return typeof uts === 'string'
    ? '--uts host shows the name of the host'
    : `--uts container:${uts.container} shows the name of that container`;
}

/** On the network of another container all is as that one has it. */
function networkConflicts(options: ContainerOptions): [boolean, string, string][] {
  const { network } = options;
  if (typeof network === 'string') return [];
  const why = `--network container:${network.container} leaves that to the container whose network it is`;
  return (
    [
      [options.hostname !== undefined, '--hostname'],
      [options.publish.length > 0, '--publish'],
      [options.publishAll, '--publish-all'],
      [options.ip !== undefined, '--ip'],
      [options.ip6 !== undefined, '--ip6'],
      [options.macAddress !== undefined, '--mac-address'],
      [options.networkAliases.length > 0, '--network-alias'],
      [options.dns.length > 0, '--dns'],
      [options.dnsSearch.length > 0, '--dns-search'],
      [options.dnsOptions.length > 0, '--dns-option'],
      [options.addHosts.length > 0, '--add-host'],
    ] as const
  ).map(([holds, flag]) => [holds, flag, why]);
}
