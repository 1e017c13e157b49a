import { BerthError } from '../../errors/berth-error.js';
import type { Roots } from '../../state/roots.js';
import { tellNamed } from '../events/tell.js';
import {
  addressText,
  bitsOf,
  type Cidr,
  cidrText,
  contains,
  lastOf,
  networkOf,
  overlap,
  parseCidr,
} from './cidr.js';
import type { NetworkDocument } from './document.js';
import { lockHostNetworks } from './host-lock.js';
import { hasIpv6 } from './host-settings.js';
import { raiseLocked } from './raise.js';
import { bridgeName, checkName, defaultNetwork, forgetNetwork, readNetwork, writeNetwork } from './store.js';
import { chooseSubnet, chooseSubnet6, type TakenNetwork, takenNetworks } from './subnets.js';

/** What a caller decides about a network. */
export interface NetworkOptions {
  /** One of IPv4, one of IPv6 at most. */
  subnets: string[];
  gateways: string[];
  ipRange?: string;
  ipv6: boolean;
  internal: boolean;
  mtu?: number;
  labels?: Record<string, string>;
}

/** The least that IPv6 needs is 1280 (RFC 8200); IPv4's 68 is of no use to anybody. */
export const leastMtu = 576;
export const mostMtu = 65_535;
const ethernetMtu = 1500;

/** Makes a network, and its bridge at once. */
export async function createNetwork(
  roots: Roots,
  name: string,
  options: NetworkOptions,
): Promise<NetworkDocument> {
  checkName(name);
  const lock = await lockHostNetworks();
  try {
    if (name === defaultNetwork || readNetwork(roots, name) !== undefined) {
      throw new BerthError('NAME_IN_USE', {
        what: `network ${name}`,
        why: 'there is a network of that name',
        mend: `Choose another name, or remove that one: berth network rm ${name}.`,
      });
    }
    return makeNetwork(roots, name, options);
  } finally {
    lock.release();
  }
}

/** The network that containers are on by default, made when the first of them needs it. */
export async function provideDefaultNetwork(roots: Roots): Promise<NetworkDocument> {
  const found = readNetwork(roots, defaultNetwork);
  if (found !== undefined) return found;
  const lock = await lockHostNetworks();
  try {
    const options = { subnets: [], gateways: [], ipv6: hasIpv6(), internal: false };
    return readNetwork(roots, defaultNetwork) ?? makeNetwork(roots, defaultNetwork, options);
  } finally {
    lock.release();
  }
}

/** On record before it is on the host: what a crash leaves in between is made by whoever needs it. */
function makeNetwork(roots: Roots, name: string, options: NetworkOptions): NetworkDocument {
  const network = documentOf(roots, name, options);
  writeNetwork(roots, network);
  try {
    raiseLocked(roots, network);
  } catch (error) {
    forgetNetwork(roots, name);
    throw error;
  }
  tellNamed(roots, 'network', name, 'create');
  return network;
}

function documentOf(roots: Roots, name: string, options: NetworkOptions): NetworkDocument {
  const bridge = bridgeName(roots, name);
  const taken = takenNetworks(roots, { name, bridge });
  const given = options.subnets.map((text) => subnetOf(text, taken));
  const [subnet4, more4] = given.filter(({ version }) => version === 4);
  const [subnet6, more6] = given.filter(({ version }) => version === 6);
  if (more4 !== undefined || more6 !== undefined)
    throw usage('--subnet', 'it is given once for IPv4 and once for IPv6');
  const subnet = subnet4 ?? known(chooseSubnet(taken));
  const second = subnet6 ?? (options.ipv6 ? known(chooseSubnet6()) : undefined);
  if (second !== undefined && !hasIpv6()) {
    throw new BerthError('HOST_LACKS', {
      what: `network ${name}`,
      why: 'IPv6 is off on this host',
      mend: 'Leave out --ipv6, or set net.ipv6.conf.default.disable_ipv6 to 0.',
    });
  }
  const gateways = options.gateways.map((text) =>
    gatewayOf(text, [subnet, ...(second === undefined ? [] : [second])]),
  );
  const gateway = (of: Cidr) =>
    addressText(gateways.find(({ version }) => version === of.version) ?? { ...of, value: of.value + 1n });
  return {
    format: 1,
    name,
    created_at: new Date().toISOString(),
    bridge,
    subnet: cidrText(subnet),
    gateway: gateway(subnet),
    ip_range: options.ipRange === undefined ? null : rangeOf(options.ipRange, subnet),
    subnet6: second === undefined ? null : cidrText(second),
    gateway6: second === undefined ? null : gateway(second),
    internal: options.internal,
    mtu: options.mtu ?? ethernetMtu,
    labels: options.labels ?? {},
    automatic: given.length === 0 && options.gateways.length === 0,
  };
}

function subnetOf(text: string, taken: readonly TakenNetwork[]): Cidr {
  const cidr = parseCidr(text);
  if (cidr === undefined || !text.includes('/'))
    throw usage(`--subnet ${text}`, 'it is a network such as 10.99.0.0/24 or fd00:99::/64');
  if (networkOf(cidr).value !== cidr.value) {
    throw usage(
      `--subnet ${text}`,
      `it has bits beyond its prefix: ${cidrText(networkOf(cidr))} is meant, perhaps`,
    );
  }
  // Room for a gateway and a container; an IPv6 address ends in the container's IPv4 address.
  const most = cidr.version === 4 ? 30 : 96;
  if (cidr.prefix > most || cidr.prefix < 8)
    throw usage(`--subnet ${text}`, `its prefix has 8 to ${most} bits`);
  const other = taken.find((each) => overlap(each.cidr, cidr));
  if (other === undefined) return cidr;
  throw new BerthError('ADDRESS_IN_USE', {
    what: `--subnet ${text}`,
    why: `${other.holder} has ${cidrText(other.cidr)}`,
    mend: 'Choose another, or none: berth finds one.',
  });
}

function gatewayOf(text: string, subnets: Cidr[]): Cidr {
  const cidr = parseCidr(text);
  const subnet = subnets.find((each) => cidr !== undefined && contains(each, cidr));
  if (cidr === undefined || text.includes('/') || subnet === undefined) {
    throw usage(`--gateway ${text}`, 'it is an address in the subnet');
  }
  if (cidr.value === subnet.value || (subnet.version === 4 && cidr.value === lastOf(subnet))) {
    throw usage(`--gateway ${text}`, 'it is the address of the network itself, or of everybody in it');
  }
  return cidr;
}

function rangeOf(text: string, subnet: Cidr): string {
  const cidr = parseCidr(text);
  if (cidr?.version === 4 && contains(subnet, cidr)) return cidrText(networkOf(cidr));
  throw usage(`--ip-range ${text}`, `it is a part of the subnet ${cidrText(subnet)}`);
}

function known(text: string): Cidr {
  const cidr = parseCidr(text);
  if (cidr === undefined || cidr.prefix > bitsOf(cidr.version)) throw usage(text, 'it is no network');
  return cidr;
}

function usage(what: string, why: string): BerthError {
  return new BerthError('USAGE', { what, why });
}
