import { readlinkSync } from 'node:fs';
import { hostname as hostName } from 'node:os';
import { BerthError } from '../../errors/berth-error.js';
import type { Roots } from '../../state/roots.js';
import { type Container, findContainer } from './catalogue.js';
import type { PeerProcess } from './describe/namespaces.js';
import type { ContainerOptions, Peer } from './options.js';

/** The containers that a new one shares namespaces with. */
export interface PeerFacts {
  /** By what the options call them. */
  processes: Record<string, PeerProcess>;
  /** Whose ids the new one has: the user namespace owns the others, and the kernel lets nobody join them from another. Undefined: its own, or the host's. */
  owner?: Container;
  /** Whose network it is on. */
  networkOf?: Container;
  /** The options with the user namespace that follows. */
  options: ContainerOptions;
}

/** Finds the containers whose namespaces `options` ask for, and sees that one user namespace fits all. */
export function findPeers(roots: Roots, options: ContainerOptions): PeerFacts {
  const { userns, pid, ipc, uts, network } = options;
  const flags = { '--userns': userns, '--pid': pid, '--ipc': ipc, '--uts': uts, '--network': network };
  const wanted = Object.entries(flags).filter(
    (entry): entry is [string, Peer] => typeof entry[1] !== 'string',
  );
  const processes: Record<string, PeerProcess> = {};
  let networkOf: Container | undefined;
  let nameOf: Container | undefined;
  let owner: { flag: string; peer: Container } | undefined;
  for (const [flag, { container }] of wanted) {
    const peer = findContainer(roots, container);
    const what = `${flag} container:${container}`;
    const { process, document } = peer;
    if (peer.state !== 'running' || process === undefined) {
      throw new BerthError('CONTAINER_STATE', { what, why: 'that container is not running' });
    }
    if (flag === '--ipc' && document.ipc !== 'shareable') {
      throw new BerthError('CONTAINER_STATE', {
        what,
        why: 'its shared memory is its own',
        mend: 'Start that one with --ipc shareable.',
      });
    }
    if (flag === '--network') {
      networkOf = peer;
      // That is nobody's to share, and takes no ids.
      if (document.network === 'host') continue;
    }
    if (flag === '--uts') {
      nameOf = peer;
      // As it is with a network.
      if (hasHostName(process.task.pid)) continue;
    }
    if (owner !== undefined && owner.peer.document.first_id !== document.first_id) {
      throw new BerthError('USAGE', {
        what,
        why: `${owner.flag} names a container with other ids, and both would have to share them with this one`,
      });
    }
    owner ??= { flag, peer };
    processes[container] = { id: document.id, pid: process.task.pid, startTime: process.task.start_time };
  }
  const networked = networkOf === undefined ? options : inNetworkOf(networkOf, options);
  const shared = nameOf === undefined ? namedByNetwork(networked) : withNameOf(nameOf, networked);
  const joined = networkOf === undefined ? {} : { networkOf };
  if (owner === undefined) return { processes, options: shared, ...joined };
  const hosts = owner.peer.document.first_id === null;
  if (options.userns === 'host' && !hosts) {
    throw new BerthError('USAGE', {
      what: `${owner.flag} container:${owner.peer.document.name}`,
      why: 'it has ids of its own, which its namespaces belong to, and --userns host would not',
      mend: 'Leave --userns away: the ids of that container are shared.',
    });
  }
  const name = Object.keys(processes)[0] ?? '';
  return {
    processes,
    ...joined,
    ...(hosts ? {} : { owner: owner.peer }),
    options: { ...shared, userns: hosts ? 'host' : { container: name } },
  };
}

/** The files of the network of the host know the host by its own name. */
function namedByNetwork(options: ContainerOptions): ContainerOptions {
  const { network, uts, hostname = hostName() } = options;
  return network === 'host' && uts === 'private' ? { ...options, hostname } : options;
}

function withNameOf({ document, process }: Container, options: ContainerOptions): ContainerOptions {
  if (process === undefined || !hasHostName(process.task.pid))
    return { ...options, hostname: document.hostname };
  return { ...options, uts: 'host' };
}

function hasHostName(pid: number): boolean {
  return readlinkSync(`/proc/${pid}/ns/uts`) === readlinkSync('/proc/self/ns/uts');
}

/** On the network of another it has that one's host name: it is what names of that network call it. */
function inNetworkOf({ document }: Container, options: ContainerOptions): ContainerOptions {
  const network = document.network === 'host' ? 'host' : options.network;
  return { ...options, network, ...(options.uts === 'host' ? {} : { hostname: document.hostname }) };
}
