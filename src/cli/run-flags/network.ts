import { InvalidArgumentError, Option } from 'commander';
import type { PortSpec } from '../../containerizer/network/port-spec.js';
import { usageError } from '../report.js';
import { type FlagGroup, repeatable } from './group.js';
import { addedHost, ipv4, ipv6, mac, nameServer, ports, word } from './publish.js';

interface Given {
  network?: string | { container: string };
  publish?: PortSpec[][];
  publishAll?: true;
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
      '--network <network>',
      'none: only a loopback of its own; host: the network of the host; bridge: one shared with others and led outside; the name of a network; or container:ID, with its ids: that of another container (default: none, with --publish bridge)',
    ).argParser(networkOrPeer),
    new Option(
      '-p, --publish <port>',
      '[IP:][HOST:]CONTAINER[/udp]: a port of the host leads to one of the container; without HOST any that is free (repeatable)',
    ).argParser(repeatable(ports)),
    new Option('-P, --publish-all', 'publish every port that the image exposes, each on any free port'),
    new Option('--ip <address>', 'IPv4 address on the network').argParser(ipv4),
    new Option('--ip6 <address>', 'IPv6 address on the network').argParser(ipv6),
    new Option('--mac-address <address>', 'MAC address on the network').argParser(mac),
    new Option(
      '--network-alias <name>',
      'a further name by which others on the network find it (repeatable)',
    ).argParser(repeatable(word)),
    new Option('--dns <address>', "name server, instead of the host's (repeatable)").argParser(
      repeatable(nameServer),
    ),
    new Option(
      '--dns-search <domain>',
      "domain to search in, instead of the host's; . for none (repeatable)",
    ).argParser(repeatable(word)),
    new Option('--dns-option <option>', 'option of resolv.conf (repeatable)').argParser(repeatable(word)),
    new Option(
      '--add-host <name:address>',
      'a line of /etc/hosts; host-gateway stands for the host (repeatable)',
    ).argParser(repeatable(addedHost)),
  ],
  collect(given) {
    const publish = given.publish?.flat();
    const publishes = publish !== undefined || given.publishAll === true;
    const network = given.network ?? (publishes || needsNetwork(given) ? 'bridge' : undefined);
    if (network === 'none' || network === 'host') refuseOn(network, given);
    return {
      network,
      publish,
      publishAll: given.publishAll,
      ip: given.ip,
      ip6: given.ip6,
      macAddress: given.macAddress,
      networkAliases: given.networkAlias,
      dns: given.dns,
      dnsSearch: given.dnsSearch,
      dnsOptions: given.dnsOption,
      addHosts: given.addHost,
    };
  },
};

function networkOrPeer(text: string): string | { container: string } {
  const container = /^container:(.*)$/.exec(text)?.[1];
  if (container === '') throw new InvalidArgumentError('It is container:ID.');
  return container === undefined ? text : { container };
}

/** Addresses mean a network, too. */
function needsNetwork({ ip, ip6, macAddress }: Given): boolean {
  return ip !== undefined || ip6 !== undefined || macAddress !== undefined;
}

function refuseOn(network: string, given: Given): void {
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
  if (flag === undefined) return;
  throw usageError(
    flag[1],
    network === 'host'
      ? 'on the network of the host there is nothing to publish or to choose'
      : 'without a network there is nothing to publish or to choose',
    'Use --network bridge, or the name of a network.',
  );
}
