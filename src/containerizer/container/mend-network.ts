import { native, type PublishedElement } from '../../native/index.js';
import type { Roots } from '../../state/roots.js';
import type { Attachment } from '../network/document.js';
import type { Container } from './catalogue.js';
import type { ContainerDocument } from './document.js';
import { gatewaysOver, networkFacts, networkOwner } from './network.js';

/** What a container that runs has too little and too much of, by the names of the ends on the host. */
export function strayAttachments(
  { id, attachments }: Pick<ContainerDocument, 'id' | 'attachments'>,
  interfaces = native().hostNetworks().interfaces,
): { missing: Attachment[]; stray: string[] } {
  const own = new RegExp(`^bert[0-9a-h]${id.slice(0, 10)}$`);
  const there = interfaces.filter(({ kind, name }) => kind === 'veth' && own.test(name));
  return {
    missing: attachments.filter((each) => there.every(({ name }) => name !== each.host_interface)),
    stray: there
      .map(({ name }) => name)
      .filter((name) => attachments.every((each) => each.host_interface !== name)),
  };
}

/** Brings the interfaces of a container that runs, and its ways out, to what is on record. What it has too much goes last: until then it is seen that something is to be done. */
export function mendAttachments({ document, process }: Container): void {
  if (process === undefined) return;
  const { attachments } = document;
  const holder = { pid: process.task.pid, startTime: process.task.start_time };
  const { missing, stray } = strayAttachments(document);
  for (const attachment of missing)
    native().addInterface({ ...holder, ...networkFacts(attachment, attachments) });
  if (stray.length === 0) return;
  for (const attachment of attachments) {
    const gateways = gatewaysOver(attachment, attachments);
    if (gateways.length > 0) native().addRoutes({ ...holder, interface: attachment.interface, gateways });
  }
  for (const name of stray) native().removeInterface(name);
}

/** The elements of the packet filter by which ports of the host lead to it. */
export function portElements(
  roots: Roots,
  { id, attachments }: Pick<ContainerDocument, 'id' | 'attachments'>,
): PublishedElement[] {
  const owner = networkOwner(roots, id);
  return attachments.flatMap(({ ports, ipv4, ipv6 }) =>
    ports.flatMap(({ host_ip, host_port, container_port, protocol }) => {
      const containerIp = host_ip.includes(':') ? ipv6 : ipv4;
      if (containerIp === null) return [];
      return [
        {
          hostIp: host_ip,
          hostPort: host_port,
          protocol,
          containerIp,
          containerPort: container_port,
          owner,
        },
      ];
    }),
  );
}

export const elementKey = ({
  owner,
  hostIp,
  hostPort,
  protocol,
  containerIp,
  containerPort,
}: PublishedElement) => `${owner} ${hostIp} ${hostPort}/${protocol} ${containerIp} ${containerPort}`;

/** Brings what is published for a container to what is on record. False: it was so. */
export function mendPorts(roots: Roots, document: Pick<ContainerDocument, 'id' | 'attachments'>): boolean {
  const wanted = portElements(roots, document);
  const owner = networkOwner(roots, document.id);
  const there = native()
    .publishedPorts()
    .filter((each) => each.owner === owner);
  const keys = new Set(there.map(elementKey));
  if (there.length === wanted.length && wanted.every((each) => keys.has(elementKey(each)))) return false;
  native().withdrawPorts(owner);
  if (wanted.length > 0) native().publishPorts(wanted, owner);
  return true;
}
