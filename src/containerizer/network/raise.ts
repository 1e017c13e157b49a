import { BerthError } from '../../errors/berth-error.js';
import { isNativeError, native } from '../../native/index.js';
import type { Roots } from '../../state/roots.js';
import { cidrText, overlap, parseCidr } from './cidr.js';
import type { NetworkDocument } from './document.js';
import { lockHostNetworks } from './host-lock.js';
import { applySettings } from './host-settings.js';
import { macOf } from './mac.js';
import { bridgeAlias, defaultNetwork, readNetwork, writeNetwork } from './store.js';
import { chooseSubnet, takenNetworks } from './subnets.js';

/** Sees to it that a network is there as its document says: bridge, packet filter, settings. After a restart of the host it is made anew. Gives the document, which may
 * have changed. */
export async function raiseNetwork(roots: Roots, network: NetworkDocument): Promise<NetworkDocument> {
  if (isUp(network)) return network;
  const lock = await lockHostNetworks();
  try {
    const current = readNetwork(roots, network.name);
    if (current === undefined) throw removed(network.name);
    if (isUp(current)) return current;
    return raiseLocked(roots, current);
  } finally {
    lock.release();
  }
}

export function isUp(network: NetworkDocument): boolean {
  return native().isNetworkUp(network);
}

/** The same for who holds the lock. */
export function raiseLocked(roots: Roots, wanted: NetworkDocument): NetworkDocument {
  const network = settleConflict(roots, wanted);
  const { bridge, subnet, gateway, subnet6, gateway6, mtu, internal } = network;
  const addresses = [
    { address: gateway, prefix: prefixOf(subnet) },
    ...(gateway6 === null || subnet6 === null ? [] : [{ address: gateway6, prefix: prefixOf(subnet6) }]),
  ];
  const alias = bridgeAlias(roots, network.name);
  refuseForeign(bridge, alias);
  try {
    native().raiseNetwork({ bridge, alias, mac: macOf(gateway), mtu, internal, addresses });
  } catch (error) {
    throw explain(error, network);
  }
  applySettings(network);
  return network;
}

/** An interface of that name that is not this network's would join what is to be apart. */
function refuseForeign(bridge: string, alias: string): void {
  const there = native()
    .hostNetworks()
    .interfaces.find(({ name }) => name === bridge);
  if (there === undefined || (there.kind === 'bridge' && there.alias === alias)) return;
  throw new BerthError('ADDRESS_IN_USE', {
    what: `interface ${bridge}`,
    why: 'there is one of that name, and it is not of this network',
    mend: `Remove it: ip link delete ${bridge}.`,
  });
}

/** What the host has taken since the network was made. Subnets that berth chose are chosen again. */
function settleConflict(roots: Roots, network: NetworkDocument): NetworkDocument {
  const taken = takenNetworks(roots, network);
  const own = [network.subnet, network.subnet6].flatMap((text) =>
    text === null ? [] : (parseCidr(text) ?? []),
  );
  const conflict = taken.find(({ cidr }) => own.some((each) => overlap(each, cidr)));
  if (conflict === undefined) return network;
  if (!network.automatic) {
    throw new BerthError('ADDRESS_IN_USE', {
      what: `network ${network.name}`,
      why: `${conflict.holder} has ${cidrText(conflict.cidr)} now`,
      mend: `Remove the network and make it anew with another --subnet: berth network rm ${network.name}.`,
    });
  }
  const subnet = chooseSubnet(taken);
  const gateway = subnet.replace(/0\/\d+$/, '1');
  const moved = { ...network, subnet, gateway };
  writeNetwork(roots, moved);
  return moved;
}

function prefixOf(subnet: string): number {
  return Number(subnet.split('/')[1]);
}

function removed(name: string): BerthError {
  return new BerthError('NETWORK_NOT_FOUND', { what: `network ${name}`, why: 'it has just been removed' });
}

function explain(error: unknown, { name }: NetworkDocument): unknown {
  if (!isNativeError(error)) return error;
  if (error.code === 'EPERM' || error.code === 'EACCES') {
    return new BerthError('NOT_ROOT', {
      what: `network ${name}`,
      why: `not permitted to make it (${error.message})`,
      mend: 'Run berth as root.',
      cause: error,
    });
  }
  return new BerthError('HOST_LACKS', {
    what: `network ${name}`,
    why: `cannot be made: ${error.message}`,
    mend:
      name === defaultNetwork
        ? 'See berth doctor; --network host and none need nothing of the host.'
        : 'See berth doctor: bridges, veth pairs and nf_tables are needed.',
    cause: error,
  });
}
