import { isIPv6 } from 'node:net';

/** How names resolve, where the caller says so. */
export interface NameServiceOptions {
  dns: string[];
  dnsSearch: string[];
  dnsOptions: string[];
}

/** What a container's `/etc/resolv.conf` is made of: the texts of the host's files, null where there is none. */
export interface HostResolvers {
  /** /etc/resolv.conf */
  configured: string | null;
  /** /run/systemd/resolve/resolv.conf: what the stub of systemd-resolved asks in its turn. */
  behindStub: string | null;
}

/**
 * `/etc/resolv.conf` (resolv.conf(5)). A name server on the host's loopback, such as the stub of systemd-resolved, cannot be reached from a network of its own (`own`): those behind
 * it are named instead.
 */
export function resolvConf(options: NameServiceOptions, host: HostResolvers, own: boolean): string {
  const servers = options.dns.length > 0 ? options.dns : serversFrom(host, own);
  const configured = host.configured ?? '';
  const search =
    options.dnsSearch.length > 0 ? options.dnsSearch : lastOf(configured, /^\s*(?:search|domain)\s+(.*)$/gm);
  const flags =
    options.dnsOptions.length > 0 ? options.dnsOptions : lastOf(configured, /^\s*options\s+(.*)$/gm);
  const domains = search.filter((domain) => domain !== '.');
  return [
    ...servers.map((server) => `nameserver ${server}`),
    ...(domains.length > 0 ? [`search ${domains.join(' ')}`] : []),
    ...(flags.length > 0 ? [`options ${flags.join(' ')}`] : []),
    '',
  ].join('\n');
}

function serversFrom({ configured, behindStub }: HostResolvers, own: boolean): string[] {
  const listed = nameServers(configured);
  if (!own) return listed;
  const reachable = listed.filter(isReachable);
  return reachable.length > 0 ? reachable : nameServers(behindStub).filter(isReachable);
}

function nameServers(text: string | null): string[] {
  return [...(text ?? '').matchAll(/^\s*nameserver\s+(\S+)/gm)].map((match) => match[1] ?? '');
}

/** From elsewhere than the host: neither its loopback nor an address that means something on one link alone. */
function isReachable(server: string): boolean {
  return !server.startsWith('127.') && server !== '::1' && !(isIPv6(server) && /^fe[89ab]|%/i.test(server));
}

/** The last line of its kind counts (resolv.conf(5)). */
function lastOf(text: string, pattern: RegExp): string[] {
  const line = [...text.matchAll(pattern)].at(-1)?.[1] ?? '';
  return line.split(/\s+/).filter((word) => word !== '');
}

/** A line of `/etc/hosts`. */
export interface HostEntry {
  address: string;
  names: string[];
}

const loopback: HostEntry[] = [
  { address: '127.0.0.1', names: ['localhost'] },
  { address: '::1', names: ['localhost', 'ip6-localhost', 'ip6-loopback'] },
  { address: 'ff02::1', names: ['ip6-allnodes'] },
  { address: 'ff02::2', names: ['ip6-allrouters'] },
];

const linesOf = (entries: readonly HostEntry[]) =>
  entries.map(({ address, names }) => `${address}\t${names.join(' ')}\n`).join('');

/** `/etc/hosts` (hosts(5)) of a container. */
export function hostsFile(own: readonly HostEntry[], added: readonly HostEntry[]): string {
  return linesOf([...loopback, ...own, ...added]);
}

const opening = '# Containers on the same network, kept by berth:\n';
const closing = '# End of what berth keeps.\n';

/** The file with its neighbours as they are now; what else is in it, and may be the container's own, stays. */
export function withNeighbours(text: string, neighbours: readonly HostEntry[]): string {
  const start = text.indexOf(opening);
  const end = start < 0 ? -1 : text.indexOf(closing, start);
  const rest = start < 0 || end < 0 ? text : text.slice(0, start) + text.slice(end + closing.length);
  if (neighbours.length === 0) return rest;
  return `${rest}${rest === '' || rest.endsWith('\n') ? '' : '\n'}${opening}${linesOf(neighbours)}${closing}`;
}

/** The file with other lines for the container itself, where those that it had are. */
export function withOwn(text: string, before: readonly HostEntry[], own: readonly HostEntry[]): string {
  const first = before.map((entry) => text.indexOf(linesOf([entry]))).filter((place) => place >= 0);
  const place = first.length === 0 ? 0 : Math.min(...first);
  const without = (part: string) =>
    [...before, ...own].reduce((rest, entry) => rest.replace(linesOf([entry]), ''), part);
  return without(text.slice(0, place)) + linesOf(own) + without(text.slice(place));
}
