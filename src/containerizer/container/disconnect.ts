import { closeSync } from 'node:fs';
import { isNativeError, native } from '../../native/index.js';
import type { Roots } from '../../state/roots.js';
import { tellNamed } from '../events/tell.js';
import type { Attachment } from '../network/document.js';
import { byPriority } from '../network/way-out.js';
import type { Container } from './catalogue.js';
import { heldBy } from './connect.js';
import { portsOf } from './container-record.js';
import type { ContainerDocument } from './document.js';
import { isNeverStarted } from './kept-request.js';
import { mendAttachments, mendPorts } from './mend-network.js';
import { renewNames } from './neighbours.js';
import { forgetFlows } from './network.js';
import { recordNetworks, unfit, whileItsNetworksChange } from './network-record.js';

/**
 * Takes a container off a network: one that runs at once, any other from its next start on. Its published ports lead to it over the network that is its way out then, or nowhere until it is on one.
 * Killed anywhere, it leaves what is on record, or what `berth gc` makes so.
 */
export async function disconnectNetwork(roots: Roots, found: Container, network: string): Promise<void> {
  await whileItsNetworksChange(roots, found, async (now) => {
    const { document, state, process } = now;
    if (!document.networks.includes(network)) throw notOn(document.name, network);
    if (state === 'created' && !isNeverStarted(roots, document.id))
      throw unfit(document.name, 'it is being started');
    const attachment = document.attachments.find((each) => each.network === network);
    const after = withoutNetwork(document, network, attachment);
    recordNetworks(roots, document, after, undefined);
    if (state === 'running' && process !== undefined && attachment !== undefined)
      await disconnectRunning(roots, { ...now, document: after }, attachment, process.supervisor);
    tellNamed(roots, 'network', network, 'disconnect', { container: document.id });
  });
}

export function notOn(name: string, network: string) {
  return unfit(name, `it is not on network ${network}`, `See berth inspect ${name}.`);
}

function withoutNetwork(
  document: ContainerDocument,
  network: string,
  attachment: Attachment | undefined,
): ContainerDocument {
  const networks = document.networks.filter((each) => each !== network);
  const rest = document.attachments.filter((each) => each !== attachment);
  const ports = attachment?.ports ?? [];
  const bearer = ports.length === 0 ? undefined : byPriority(rest).find(({ gateway4 }) => gateway4 !== null);
  return {
    ...document,
    network: networks[0] ?? 'none',
    networks,
    attachments: rest.map((each) => (each === bearer ? { ...each, ports } : each)),
    ...(ports.length > 0 ? { idle_ports: bearer === undefined ? ports : [] } : {}),
    // The claims of what it had stay its supervisor's.
    holds_network: true,
  };
}

async function disconnectRunning(
  roots: Roots,
  now: Container,
  attachment: Attachment,
  supervisor: { pid: number; start_time: number },
): Promise<void> {
  const { document } = now;
  const held = heldBy(document.name, supervisor);
  try {
    mendPorts(roots, document);
    mendAttachments(now);
    native().releaseAddresses(held, attachment.ipv4, attachment.ipv6);
  } catch (error) {
    if (isNativeError(error) && error.code === 'ESRCH') throw unfit(document.name, 'it has just ended');
    throw error;
  } finally {
    closeSync(held);
  }
  forgetFlows(portsOf(document));
  await renewNames(roots, document, [...document.attachments, attachment]);
}
