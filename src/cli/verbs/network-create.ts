import { InvalidArgumentError, Option } from 'commander';
import { createNetwork, leastMtu, mostMtu } from '../../containerizer/network/create.js';
import { repeatable } from '../run-flags/group.js';
import { pair } from '../run-flags/key-value.js';
import type { Verb } from '../verb.js';

interface Flags {
  subnet?: string[];
  gateway?: string[];
  ipRange?: string;
  ipv6?: true;
  internal?: true;
  mtu?: number;
  label?: [string, string][];
}

export const verb: Verb = {
  summary: 'Make a network that containers join with run --network',
  example: 'berth network create --subnet 10.99.0.0/24 backend',
  declare(command) {
    command
      .argument('<name>')
      .addOption(new Option('-d, --driver <driver>', 'as Docker has it; bridge alone').choices(['bridge']))
      .option(
        '--subnet <network>',
        'e.g. 10.99.0.0/24; by default a free private one (once for IPv4, once for IPv6)',
        repeatable(String),
      )
      .option(
        '--gateway <address>',
        "the host's address in the subnet; by default its first",
        repeatable(String),
      )
      .option('--ip-range <network>', 'the part of the subnet that addresses are given from')
      .option('--ipv6', 'IPv6 too, with a subnet of its own')
      .option('--internal', 'nothing beyond the network can be reached from it')
      .option('--mtu <bytes>', 'largest packet (default: 1500)', mtu)
      .option('--label <key=value>', 'a note for people and tools (repeatable)', repeatable(pair));
  },
  async run({ roots, json, out }, [name = ''], given) {
    const flags = given as Flags;
    const network = await createNetwork(roots, name, {
      subnets: flags.subnet ?? [],
      gateways: flags.gateway ?? [],
      ipv6: flags.ipv6 === true,
      internal: flags.internal === true,
      labels: Object.fromEntries(flags.label ?? []),
      ...(flags.ipRange === undefined ? {} : { ipRange: flags.ipRange }),
      ...(flags.mtu === undefined ? {} : { mtu: flags.mtu }),
    });
    out(
      json
        ? `${JSON.stringify({ name: network.name, subnet: network.subnet, subnet6: network.subnet6, bridge: network.bridge })}\n`
        : `${name}\n`,
    );
    return 0;
  },
};

function mtu(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= leastMtu && value <= mostMtu) return value;
  throw new InvalidArgumentError(`It is a number of bytes from ${leastMtu} to ${mostMtu}.`);
}
