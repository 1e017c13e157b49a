import { isIP, isIPv4, isIPv6 } from 'node:net';
import { InvalidArgumentError } from 'commander';
import { type PortSpec, parsePorts } from '../../containerizer/network/port-spec.js';

export function ports(text: string): PortSpec[] {
  try {
    return parsePorts(text);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

/** What is said to be listened on, which has no place on the host yet. */
export function exposed(text: string): PortSpec[] {
  const found = ports(text);
  if (found.every(({ hostFirst, hostIp }) => hostFirst === 0 && hostIp === null)) return found;
  throw new InvalidArgumentError(
    'It is CONTAINER[/tcp|udp]; --publish says which port of the host leads there.',
  );
}

export function ipv4(text: string): string {
  if (isIPv4(text)) return text;
  throw new InvalidArgumentError('It is an IPv4 address.');
}

export function ipv6(text: string): string {
  if (isIPv6(text)) return text;
  throw new InvalidArgumentError('It is an IPv6 address.');
}

export function nameServer(text: string): string {
  if (isIP(text) !== 0) return text;
  throw new InvalidArgumentError('It is the IP address of a name server.');
}

/** One interface's own address (IEEE 802): the first byte's lowest bit says that it is a group's. */
export function mac(text: string): string {
  const bytes = text.split(/[:-]/);
  const good = bytes.length === 6 && bytes.every((byte) => /^[0-9a-f]{2}$/i.test(byte));
  if (good && (Number.parseInt(bytes[0] ?? '', 16) & 1) === 0 && !bytes.every((byte) => byte === '00')) {
    return bytes.join(':').toLowerCase();
  }
  throw new InvalidArgumentError('It is the MAC address of one interface, e.g. 02:00:00:00:00:01.');
}

/** A word of resolv.conf(5) or hosts(5). */
export function word(text: string): string {
  if (/^[^\s#]+$/.test(text)) return text;
  throw new InvalidArgumentError('It is one word.');
}

/** `NAME:ADDRESS`, where the address may be `host-gateway`; as Docker, `=` and brackets are taken too. */
export function addedHost(text: string): { name: string; address: string } {
  const [, name = '', given = ''] = /^([a-zA-Z0-9._-]+)[:=](.+)$/.exec(text) ?? [];
  const address = given.replace(/^\[(.*)\]$/, '$1');
  if (name !== '' && (address === 'host-gateway' || isIP(address) !== 0)) return { name, address };
  throw new InvalidArgumentError('It is NAME:ADDRESS, or NAME:host-gateway.');
}
