import { randomBytes } from 'node:crypto';
import { BerthError } from '../../errors/berth-error.js';
import { native } from '../../native/index.js';
import type { Roots } from '../../state/roots.js';
import { type Cidr, cidrText, overlap, parseCidr } from './cidr.js';
import { listNetworks } from './store.js';

/** A network that somebody has, and who. */
export interface TakenNetwork {
  cidr: Cidr;
  holder: string;
}

/** What the host has routes to and addresses in, and what this installation's other networks have; `except` names a network whose own does not count. */
export function takenNetworks(roots: Roots, except: { name: string; bridge: string }): TakenNetwork[] {
  const { interfaces, networks } = native().hostNetworks();
  const nameOf = new Map(interfaces.map(({ index, name }) => [index, name]));
  const ofHost = networks.flatMap(({ address, prefix, interface: index }) => {
    const name = nameOf.get(index) ?? '';
    const cidr = address === null ? undefined : parseCidr(`${address}/${prefix}`);
    return cidr === undefined || name === except.bridge ? [] : [{ cidr, holder: `interface ${name}` }];
  });
  const ofOthers = listNetworks(roots)
    .filter(({ name }) => name !== except.name)
    .flatMap(({ name, subnet, subnet6 }) =>
      [subnet, subnet6].flatMap((text) => {
        const cidr = text === null ? undefined : parseCidr(text);
        return cidr === undefined ? [] : [{ cidr, holder: `network ${name}` }];
      }),
    );
  return [...ofHost, ...ofOthers];
}

/** The first of some private ranges (RFC 1918) that nobody has: 10.88.0.0/16 and what follows it. */
export function chooseSubnet(taken: readonly TakenNetwork[]): string {
  const free = candidates().find((cidr) => !taken.some((other) => overlap(cidr, other.cidr)));
  if (free !== undefined) return cidrText(free);
  throw new BerthError('ADDRESS_IN_USE', {
    what: 'subnet',
    why: 'the host has routes to all private ranges that berth would choose from',
    mend: 'Choose one: berth network create --subnet.',
  });
}

function candidates(): Cidr[] {
  const texts = [
    ...Array.from({ length: 168 }, (_, i) => `10.${88 + i}.0.0/16`),
    ...Array.from({ length: 16 }, (_, i) => `172.${16 + i}.0.0/16`),
    ...Array.from({ length: 256 }, (_, i) => `192.168.${i}.0/24`),
  ];
  return texts.flatMap((text) => parseCidr(text) ?? []);
}

/** A unique local network (RFC 4193): 40 random bits, so that two hosts hardly ever have the same. */
export function chooseSubnet6(): string {
  const value = (0xfdn << 120n) | (BigInt(`0x${randomBytes(5).toString('hex')}`) << 80n);
  return cidrText({ version: 6, value, prefix: 64 });
}
