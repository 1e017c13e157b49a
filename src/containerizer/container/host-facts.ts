import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { namesOfMask } from './describe/capabilities.js';
import type { DescribeFacts } from './describe/config.js';
import { allDevices, resolveDevices } from './host-devices.js';
import type { ContainerOptions } from './options.js';

type HostFacts = Pick<DescribeFacts, 'devices' | 'ownCapabilities' | 'hostHostname' | 'hostQueues'>;

/** What of this host goes into the description of a container with these options; looked at only as far as they ask. */
export function hostFacts(options: ContainerOptions, ownsIds: boolean): HostFacts {
  return {
    devices: [
      // With ids of its own, root inside is not root outside, and must not become it by way of a disk.
      ...(options.privileged && !ownsIds ? allDevices() : []),
      ...resolveDevices(options.devices),
    ],
    ownCapabilities: ownsIds ? undefined : ownCapabilities(),
    hostHostname: options.uts === 'host' ? hostname() : '',
    hostQueues: options.ipc === 'host' && existsSync('/dev/mqueue'),
  };
}

/** Those that this process may hand on. */
function ownCapabilities(): string[] {
  const mask = /^CapPrm:\t([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return namesOfMask(BigInt(`0x${mask ?? '0'}`));
}
