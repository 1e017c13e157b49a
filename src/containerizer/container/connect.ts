import { closeSync } from 'node:fs';
import { BerthError } from '../../errors/berth-error.js';
import { isNativeError, native } from '../../native/index.js';
import type { Roots } from '../../state/roots.js';
import { tellNamed } from '../events/tell.js';
import { attachMore, checkWish } from '../network/attach.js';
import type { Attachment, AttachmentWish } from '../network/document.js';
import { byPriority } from '../network/way-out.js';
import type { Container } from './catalogue.js';
import { portsOf } from './container-record.js';
import type { ContainerDocument } from './document.js';
import { isNeverStarted } from './kept-request.js';
import { mendAttachments, mendPorts } from './mend-network.js';
import { renewNames } from './neighbours.js';
import { forgetFlows, holdsNetwork } from './network.js';
import { recordNetworks, unfit, whileItsNetworksChange } from './network-record.js';

/**
 * Puts a container on one more network: one that runs at once, any other from its next start on. What is on record is what there is to be, and comes first: whoever is killed after that
 * leaves what `berth gc` makes of it.
 */
export async function connectNetwork(roots: Roots, found: Container, wish: AttachmentWish): Promise<void> {
  await whileItsNetworksChange(roots, found, async (now) => {
    const { document } = now;
    refuseOthers(document, wish.network);
    checkWish(roots, wish);
    if (now.state === 'running') await connectRunning(roots, now, wish);
    else if (now.state === 'created' && !isNeverStarted(roots, document.id))
      throw unfit(document.name, 'it is being started');
    else record(roots, document, document.attachments, wish);
    tellNamed(roots, 'network', wish.network, 'connect', { container: document.id });
  });
}

function refuseOthers({ name, network, networks }: ContainerDocument, wanted: string): void {
  const why = network === 'host' ? 'that of the host' : `that of ${network.slice('container:'.length)}`;
  if (network === 'host' || network.startsWith('container:'))
    throw unfit(name, `its network is ${why}, and it can have no other`);
  if (networks.includes(wanted)) throw unfit(name, `it is on network ${wanted} already`);
}

async function connectRunning(roots: Roots, now: Container, wish: AttachmentWish): Promise<void> {
  const { document, process } = now;
  const { name, attachments, idle_ports: idle = [] } = document;
  if (process === undefined || !holdsNetwork(document)) {
    throw unfit(
      name,
      'it was started without a network, and gets none while it runs',
      `Stop it first: berth stop ${name}; it is on the network once it is started again.`,
    );
  }
  const held = heldBy(name, process.supervisor);
  try {
    const attachment = await attachMore(roots, document, wish, held);
    const after = record(roots, document, withPorts([...attachments, attachment], idle), wish);
    try {
      mendAttachments({ ...now, document: after });
      mendPorts(roots, after);
    } catch (error) {
      recordNetworks(roots, after, { ...document, idle_ports: idle }, undefined);
      mendPorts(roots, document);
      native().releaseAddresses(held, attachment.ipv4, attachment.ipv6);
      throw cannotConnect(error, name, attachment);
    }
    forgetFlows(portsOf(after));
    await renewNames(roots, after, attachments);
  } finally {
    closeSync(held);
  }
}

/** What is published leads in over the network that is the way out, which may be the new one. */
function withPorts(attachments: readonly Attachment[], idle: Attachment['ports']): Attachment[] {
  const bearer = byPriority(attachments).find(({ gateway4 }) => gateway4 !== null);
  if (bearer === undefined) return [...attachments];
  const ports = [...idle, ...attachments.flatMap((each) => each.ports)];
  return attachments.map((each) => ({ ...each, ports: each === bearer ? ports : [] }));
}

function record(
  roots: Roots,
  document: ContainerDocument,
  attachments: Attachment[],
  wish: AttachmentWish,
): ContainerDocument {
  const networks = [...document.networks, wish.network];
  const led = attachments.some(({ ports }) => ports.length > 0);
  const now = {
    network: networks[0] ?? wish.network,
    networks,
    attachments,
    ...(document.idle_ports === undefined ? {} : { idle_ports: led ? [] : document.idle_ports }),
  };
  recordNetworks(roots, document, now, wish);
  return { ...document, ...now };
}

/** What holds its claims, for more of them. */
export function heldBy(name: string, supervisor: { pid: number; start_time: number }): number {
  try {
    return native().copyNetworkClaim(supervisor.pid, supervisor.start_time);
  } catch (error) {
    if (isNativeError(error) && error.code === 'ESRCH') throw unfit(name, 'it has just ended');
    throw error;
  }
}

function cannotConnect(error: unknown, name: string, { network, interface: own }: Attachment): unknown {
  if (!isNativeError(error)) return error;
  if (error.code === 'ESRCH') return unfit(name, 'it has just ended');
  return new BerthError('LAUNCH_FAILED', {
    what: `network ${network}`,
    why:
      error.code === 'EEXIST'
        ? `container ${name} has an interface ${own} of its own making`
        : `container ${name} gets no interface on it: ${error.message}`,
    cause: error,
  });
}
