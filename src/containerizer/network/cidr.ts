import { isIPv4, isIPv6 } from 'node:net';

/** An address with the length of its network's prefix: of a network (no host bits) or of one member of it. */
export interface Cidr {
  version: 4 | 6;
  /** The address as a number of 32 or 128 bits. */
  value: bigint;
  prefix: number;
}

/** `10.88.0.0/16`, `fd00::/64`, or an address alone, which is a network of one. Undefined: it is neither. */
export function parseCidr(text: string): Cidr | undefined {
  const [address = '', length, ...more] = text.split('/');
  const value = parseAddress(address);
  if (value === undefined || more.length > 0) return undefined;
  const bits = bitsOf(value.version);
  const prefix = length === undefined ? bits : Number(length);
  if (length !== undefined && (!/^\d{1,3}$/.test(length) || prefix > bits)) return undefined;
  return { ...value, prefix };
}

export function bitsOf(version: 4 | 6): 32 | 128 {
  return version === 4 ? 32 : 128;
}

/** `fd00::1`, `10.0.0.1`; no zones, no prefix. */
function parseAddress(text: string): { version: 4 | 6; value: bigint } | undefined {
  if (isIPv4(text)) return { version: 4, value: joined(text.split('.').map(Number), 8n) };
  if (!isIPv6(text) || text.includes('%')) return undefined;
  // The last two groups may be written as an IPv4 address.
  const plain = text.replace(/[\d.]+$/, (tail) => {
    if (!isIPv4(tail)) return tail;
    const value = joined(tail.split('.').map(Number), 8n);
    return `${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`;
  });
  const groups = (half: string) =>
    half === '' ? [] : half.split(':').map((group) => Number.parseInt(group, 16));
  const [head = '', tail] = plain.split('::');
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const gap = new Array<number>(8 - before.length - after.length).fill(0);
  return { version: 6, value: joined([...before, ...gap, ...after], 16n) };
}

function joined(parts: number[], bits: bigint): bigint {
  return parts.reduce((value, part) => (value << bits) | BigInt(part), 0n);
}

/** The address alone; IPv6 as RFC 5952 has it. */
export function addressText({ version, value }: Pick<Cidr, 'version' | 'value'>): string {
  if (version === 4) return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 0xffn)).join('.');
  const groups = Array.from({ length: 8 }, (_, i) =>
    ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16),
  );
  const text = groups.join(':');
  const zeros = [...text.matchAll(/(?<![^:])0(?::0)+(?![^:])/g)].map(([run]) => run);
  const longest = zeros.sort((a, b) => b.length - a.length)[0];
  if (longest === undefined) return text;
  const at = text.search(new RegExp(`(?<![^:])${longest}(?![^:])`));
  const head = text.slice(0, at).replace(/:$/, '');
  const tail = text.slice(at + longest.length).replace(/^:/, '');
  return `${head}::${tail}`;
}

export function cidrText(cidr: Cidr): string {
  return `${addressText(cidr)}/${cidr.prefix}`;
}

/** The network's own address: host bits cleared. */
export function networkOf(cidr: Cidr): Cidr {
  const host = BigInt(bitsOf(cidr.version) - cidr.prefix);
  return { ...cidr, value: (cidr.value >> host) << host };
}

export function lastOf(cidr: Cidr): bigint {
  return networkOf(cidr).value + (1n << BigInt(bitsOf(cidr.version) - cidr.prefix)) - 1n;
}

/** Does the first hold all of the second? */
export function contains(outer: Cidr, inner: Cidr): boolean {
  return (
    outer.version === inner.version &&
    outer.prefix <= inner.prefix &&
    networkOf({ ...inner, prefix: outer.prefix }).value === networkOf(outer).value
  );
}

export function overlap(a: Cidr, b: Cidr): boolean {
  return contains(a, b) || contains(b, a);
}
