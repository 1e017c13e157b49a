import { BerthError } from '../../errors/berth-error.js';
import type { ContainerOptions } from './options.js';

/** Refuses options that cannot hold together, each with one line that names both. */
export function refuseConflicts(options: ContainerOptions): void {
  const { uts, ipc, userns, hostname, domainname, shmSize, volumes } = options;
  const conflicts: [boolean, string, string][] = [
    [uts === 'host' && hostname !== undefined, '--hostname', '--uts host shows the name of the host'],
    [uts === 'host' && domainname !== undefined, '--domainname', '--uts host shows the name of the host'],
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
  for (const [holds, what, why] of conflicts) if (holds) throw new BerthError('USAGE', { what, why });
}
