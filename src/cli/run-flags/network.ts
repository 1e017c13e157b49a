import { Option } from 'commander';
import type { AttachmentWish } from '../../containerizer/network/document.js';
import type { PortSpec } from '../../containerizer/network/port-spec.js';
import { usageError } from '../report.js';
import { type FlagGroup, type Fragment, repeatable } from './group.js';
import { type Joined, joined } from './join.js';
import { addedHost, exposed, ipv4, ipv6, mac, nameServer, ports, word } from './publish.js';

interface Given {
  network?: Joined[];
  publish?: PortSpec[][];
  publishAll?: true;
  expose?: PortSpec[][];
  ip?: string;
  ip6?: string;
  macAddress?: string;
  networkAlias?: string[];
  dns?: string[];
  dnsSearch?: string[];
  dnsOption?: string[];
  addHost?: { name: string; address: string }[];
}

/** Whom it can talk to. */
export const network: FlagGroup<Given> = {
  title: 'Network',
  flags: [
    new Option(
      '--net, --network <network>',
      'none: only a loopback of its own; host: the network of the host; bridge: one shared with others and led outside; the name of a network; or container:ID, with its ids: that of another container (default: none, with --publish bridge). Networks by name can be several, one interface each; name=NAME,alias=…,ip=…,ip6=…,mac-address=…,gw-priority=… asks something of one: the highest gw-priority is the way out (repeatable)',
    ).argParser(repeatable(joined)),
    new Option(
      '-p, --publish <port>',
      '[IP:][HOST:]CONTAINER[/udp]: a port of the host leads to one of the container; without HOST any that is free (repeatable)',
    ).argParser(repeatable(ports)),
    new Option(
      '-P, --publish-all',
      'publish every port that the image or --expose exposes, each on any free port',
    ),
    new Option('--expose <port>', 'PORT[/udp], or a range, for --publish-all (repeatable)').argParser(
      repeatable(exposed),
    ),
    new Option('--ip <address>', 'IPv4 address on the network').argParser(ipv4),
    new Option('--ip6 <address>', 'IPv6 address on the network').argParser(ipv6),
    new Option('--mac-address <address>', 'MAC address on the network').argParser(mac),
    new Option(
      '--net-alias, --network-alias <name>',
      'a further name by which others on the network find it (repeatable)',
    ).argParser(repeatable(word)),
    new Option('--dns <address>', "name server, instead of the host's (repeatable)").argParser(
      repeatable(nameServer),
    ),
    new Option(
      '--dns-search <domain>',
      "domain to search in, instead of the host's; . for none (repeatable)",
    ).argParser(repeatable(word)),
    new Option('--dns-opt, --dns-option <option>', 'option of resolv.conf (repeatable)').argParser(
      repeatable(word),
    ),
    new Option(
      '--add-host <name:address>',
      'a line of /etc/hosts; host-gateway stands for the host (repeatable)',
    ).argParser(repeatable(addedHost)),
  ],
  collect(given) {
    const publish = given.publish?.flat();
    const publishes = publish !== undefined || given.publishAll === true;
    const chosen = given.network ?? (publishes || needsNetwork(given) ? [bridge] : []);
    return {
      ...joins(chosen, given),
      publish,
      publishAll: given.publishAll,
      expose: given.expose?.flat(),
      dns: given.dns,
      dnsSearch: given.dnsSearch,
      dnsOptions: given.dnsOption,
      addHosts: given.addHost,
    };
  },
};

const bridge: AttachmentWish = { network: 'bridge', aliases: [] };

type Joins = Pick<
  Fragment,
  'network' | 'furtherNetworks' | 'ip' | 'ip6' | 'macAddress' | 'gatewayPriority' | 'networkAliases'
>;

/** Networks by name are joined in their order; the flags for addresses and names are about the first. */
function joins(chosen: readonly Joined[], given: Given): Joins {
  const { ip, ip6, macAddress, networkAlias: networkAliases } = given;
  const own = { ip, ip6, macAddress, networkAliases };
  const [first, ...more] = chosen;
  if (first === undefined) return own;
  if (more.length > 0) refuseTogether(chosen);
  if ('container' in first) return { network: first, ...own };
  const { network } = first;
  if (network === 'none' || network === 'host') refuseOn(network, given, first);
  refuseTwice(first, given);
  return {
    network,
    ip: first.ip ?? ip,
    ip6: first.ip6 ?? ip6,
    macAddress: first.mac ?? macAddress,
    gatewayPriority: first.gatewayPriority,
    networkAliases: first.aliases.length > 0 ? first.aliases : networkAliases,
    furtherNetworks: more.flatMap((each) => ('container' in each ? [] : [each])),
  };
}

function refuseTogether(chosen: readonly Joined[]): void {
  const names = chosen.map((each) => ('container' in each ? `container:${each.container}` : each.network));
  const alone = names.find((name) => name === 'none' || name === 'host' || name.startsWith('container:'));
  if (alone !== undefined)
    throw usageError(
      `--network ${alone}`,
      'it cannot be combined with another network',
      'Networks by name can.',
    );
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw usageError(`--network ${twice}`, 'it is given twice', 'Once is enough.');
}

/** What is said of the first network in both ways. */
function refuseTwice(first: AttachmentWish, given: Given): void {
  const flag = (
    [
      ['--ip', first.ip, given.ip],
      ['--ip6', first.ip6, given.ip6],
      ['--mac-address', first.mac, given.macAddress],
      ['--network-alias', first.aliases[0], given.networkAlias],
    ] as const
  ).find(([, inside, beside]) => inside !== undefined && beside !== undefined);
  if (flag !== undefined)
    throw usageError(flag[0], `--network name=${first.network} says it already`, 'Say it once.');
}

/** Addresses mean a network, too. */
function needsNetwork({ ip, ip6, macAddress }: Given): boolean {
  return ip !== undefined || ip6 !== undefined || macAddress !== undefined;
}

function refuseOn(
  network: string,
  given: Given,
  { ip, ip6, mac, gatewayPriority, aliases }: AttachmentWish,
): void {
  const inside = ip ?? ip6 ?? mac ?? gatewayPriority ?? aliases[0];
  const flag = (
    [
      ['publish', '--publish'],
      ['publishAll', '--publish-all'],
      ['ip', '--ip'],
      ['ip6', '--ip6'],
      ['macAddress', '--mac-address'],
      ['networkAlias', '--network-alias'],
    ] as const
  ).find(([member]) => given[member] !== undefined);
  if (flag === undefined && inside === undefined) return;
  throw usageError(
    flag?.[1] ?? `--network name=${network}`,
    network === 'host'
      ? 'on the network of the host there is nothing to publish or to choose'
      : 'without a network there is nothing to publish or to choose',
    'Use --network bridge, or the name of a network.',
  );
}
