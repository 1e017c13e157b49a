import { capabilitySet } from '../../containerizer/container/describe/capabilities.js';
import type { ContainerOptions } from '../../containerizer/container/options.js';
import { unfit } from './workload.js';

/**
 * The options of a container with the host's own ids: what it is allowed there it is allowed on the host. `most`: the capabilities that it may have; one that it asks for
 * beyond them is refused, one that it has by default is left away.
 */
export function boundToHost(options: ContainerOptions, most: readonly string[]): ContainerOptions {
  const { capAdd, capDrop, seccomp, privileged } = options;
  if (privileged) throw unfit('docker.privileged', 'the container has the ids of the host');
  if (seccomp === 'unconfined') throw unfit('seccomp.unconfined', 'the container has the ids of the host');
  const allowed = capabilitySet(most, ['ALL']);
  const asked = capabilitySet(capAdd, ['ALL', ...capDrop.filter((name) => name.toUpperCase() !== 'ALL')]);
  const beyond = asked.filter((name) => !allowed.includes(name));
  if (beyond.length > 0)
    throw unfit(
      `capabilities ${beyond.join(', ')}`,
      `the container has the ids of the host, and this agent allows no more there than ${allowed.join(', ')}`,
      'Give the task an image, or set host_capabilities in the configuration of the agent.',
    );
  const kept = capabilitySet(capAdd, capDrop).filter((name) => allowed.includes(name));
  return { ...options, capAdd: kept, capDrop: ['ALL'] };
}
