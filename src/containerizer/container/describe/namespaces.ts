import type { IdMapping, RuntimeNamespace } from '../../../oci-spec/runtime.js';
import type { ContainerOptions, Peer } from '../options.js';

/** Another container whose namespaces are shared, as it was found to run. */
export interface PeerProcess {
  id: string;
  /** Its first process, on the host; the start time, in clock ticks since boot, tells it from others that had its pid. */
  pid: number;
  startTime: number;
}

/** By the name that the options have for it. */
export type Peers = Readonly<Record<string, PeerProcess>>;

/** The namespaces that are made, and, with a path, those that are joined. What is not listed is shared with the host. */
export function namespaces(options: ContainerOptions, peers: Peers): RuntimeNamespace[] {
  const list: RuntimeNamespace[] = [{ type: 'mount' }];
  const add = (type: RuntimeNamespace['type'], choice: string | Peer) => {
    if (choice === 'host') return;
    list.push(typeof choice === 'string' ? { type } : { type, path: namespacePath(peers, choice, type) });
  };
  add('pid', options.pid);
  add('ipc', options.ipc);
  add('uts', options.uts);
  add('cgroup', options.cgroupns);
  add('user', options.userns);
  add('network', options.network);
  return list;
}

/** As /proc calls them (namespaces(7)). */
const files = {
  pid: 'pid',
  ipc: 'ipc',
  uts: 'uts',
  cgroup: 'cgroup',
  user: 'user',
  network: 'net',
  mount: 'mnt',
};

function namespacePath(peers: Peers, { container }: Peer, type: RuntimeNamespace['type']): string {
  return `/proc/${peers[container]?.pid}/ns/${files[type]}`;
}

/** None with the host's own ids. */
export function idMappings(range: { first: number; size: number } | null): {
  uidMappings?: IdMapping[];
  gidMappings?: IdMapping[];
} {
  if (range === null) return {};
  const mapping = [{ containerID: 0, hostID: range.first, size: range.size }];
  return { uidMappings: mapping, gidMappings: mapping };
}
