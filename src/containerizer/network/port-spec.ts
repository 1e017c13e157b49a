/** What is to be published, before it is known which ports are free. */
export interface PortSpec {
  /** An address of the host; null: all. */
  hostIp: string | null;
  /** The first of these that is free; 0: any. */
  hostFirst: number;
  hostLast: number;
  containerPort: number;
  protocol: 'tcp' | 'udp';
}

/** More would be more rules and sockets than one container has business with. */
export const mostPorts = 1024;

/**
 * `[IP:][HOST[-LAST]:]CONTAINER[-LAST][/tcp|udp]`, as Docker has it; IPv6 addresses in brackets. Throws a plain Error that says what it should be.
 */
export function parsePorts(text: string): PortSpec[] {
  const [whole = '', protocol = 'tcp', ...more] = text.split('/');
  if (more.length > 0 || (protocol !== 'tcp' && protocol !== 'udp'))
    throw new Error('Its protocol is tcp or udp.');
  const match = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([0-9.]*)):)??(?:([0-9-]*):)?([0-9-]+)$/.exec(whole);
  if (match === null)
    throw new Error('It is [IP:][HOST:]CONTAINER[/tcp|udp], e.g. 8080:80 or 127.0.0.1:53:53/udp.');
  const [, ip6, ip4, host = '', container = ''] = match;
  const inside = range(container);
  const count = inside.last - inside.first + 1;
  const outside = host === '' ? undefined : range(host);
  if (outside !== undefined && count > 1 && outside.last - outside.first + 1 !== count) {
    throw new Error('Its two ranges have the same length.');
  }
  return Array.from({ length: count }, (_, i) => ({
    hostIp: ip6 ?? (ip4 === undefined || ip4 === '' ? null : ip4),
    hostFirst: outside === undefined ? 0 : outside.first + i,
    hostLast: outside === undefined ? 0 : count === 1 ? outside.last : outside.first + i,
    containerPort: inside.first + i,
    protocol,
  }));
}

function range(text: string): { first: number; last: number } {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  const first = Number(match?.[1]);
  const last = match?.[2] === undefined ? first : Number(match[2]);
  if (match === null || first < 1 || last > 65_535 || last < first || last - first >= mostPorts) {
    throw new Error(`A port is a number from 1 to 65535, or a range of at most ${mostPorts}.`);
  }
  return { first, last };
}

/** What an image says that it listens on (`80/tcp`): each on any port of the host. What is no port is passed over. */
export function exposedPorts(exposed: Record<string, unknown> | undefined): PortSpec[] {
  return Object.keys(exposed ?? {}).flatMap((text) => {
    try {
      return parsePorts(text).filter(({ hostFirst, hostIp }) => hostFirst === 0 && hostIp === null);
    } catch {
      return [];
    }
  });
}
