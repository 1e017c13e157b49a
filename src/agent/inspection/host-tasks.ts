import { isIPv6 } from 'node:net';
import {
  type Container,
  listContainers,
  readOrTell,
  shownState,
} from '../../containerizer/container/catalogue.js';
import { portsOf } from '../../containerizer/container/container-record.js';
import { removeDebris } from '../../containerizer/container/debris.js';
import { reasonOf } from '../../containerizer/container/oom.js';
import { settle } from '../../containerizer/container/settle.js';
import type { PublishedPort } from '../../containerizer/network/document.js';
import type { BerthError } from '../../errors/berth-error.js';
import type { InspectedTask } from '../../inspect/task-source.js';
import type { Roots } from '../../state/roots.js';

/**
 * The containers of an installation, as inspection wants them. One whose supervisor was killed is brought to its end on the way, and what launchers left that were
 * killed is removed.
 */
export function tasksOf(roots: Roots, onDamaged: (damage: BerthError) => void): InspectedTask[] {
  if (process.geteuid?.() === 0) removeDebris(roots);
  const containers = listContainers(roots, onDamaged).map((container) => settle(roots, container));
  const keepers = new Map(
    containers.flatMap(({ document: { id, pod } }) => (pod?.app === null ? [[pod.uuid, id] as const] : [])),
  );
  return containers.map((container) => taskOf(container, keepers.get(container.document.pod?.uuid ?? '')));
}

/** One of them, by its id; undefined: its launch was cut off, or it has gone. Of what pod it is, if of any, is not looked for. */
export function hostTask(
  roots: Roots,
  id: string,
  onDamaged: (damage: BerthError) => void,
): InspectedTask | undefined {
  const container = readOrTell(roots, id, onDamaged);
  return container && taskOf(settle(roots, container), undefined);
}

function taskOf(container: Container, pod: string | undefined): InspectedTask {
  const { document, state, process, exit } = container;
  const { id, name, image, cgroup, attachments } = document;
  const runs = state === 'running';
  // On a hybrid host the controllers that a container is accounted by are bound to v1.
  const version = cgroup.layout === 'unified' ? 2 : 1;
  return {
    id,
    name,
    image,
    address: runs ? (attachments[0]?.ipv4 ?? null) : null,
    ports: runs ? portsText(portsOf(document)) : null,
    zone: null,
    state: shownState(container),
    pid: runs ? (process?.task.pid ?? null) : null,
    pidStartTime: runs ? (process?.task.start_time ?? null) : null,
    endReason: reasonOf(exit),
    pod: pod ?? null,
    ownNetwork: document.network !== 'host',
    startedAt: process?.started_at ?? null,
    cgroup: {
      procs: cgroup.procs,
      controllers: Object.fromEntries(
        Object.entries(cgroup.controllers).map(([controller, directory]) => [
          controller,
          { directory, version },
        ]),
      ),
    },
  };
}

/** As Docker shows them; what is on every address of both families is told once. */
function portsText(ports: PublishedPort[]): string | null {
  const texts = ports.map(({ host_ip, host_port, container_port, protocol }) => {
    const place =
      host_ip === '0.0.0.0' || host_ip === '::' ? '' : `${isIPv6(host_ip) ? `[${host_ip}]` : host_ip}:`;
    return `${place}${host_port}->${container_port}/${protocol}`;
  });
  return texts.length === 0 ? null : [...new Set(texts)].join(', ');
}
