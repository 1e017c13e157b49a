import { findContainer } from '../../containerizer/container/catalogue.js';
import { connectNetwork } from '../../containerizer/container/connect.js';
import { repeatable } from '../run-flags/group.js';
import { gatewayPriority } from '../run-flags/join.js';
import { ipv4, ipv6, word } from '../run-flags/publish.js';
import type { Verb } from '../verb.js';

interface Flags {
  ip?: string;
  ip6?: string;
  alias?: string[];
  gwPriority?: number;
}

export const verb: Verb = {
  summary: 'Put a container on one more network, at once if it runs',
  example: 'berth network connect --alias db backend web',
  declare(command) {
    command
      .argument('<network>', 'its name')
      .argument('<id>', 'id or name of the container')
      .option('--ip <address>', 'IPv4 address on the network', ipv4)
      .option('--ip6 <address>', 'IPv6 address on the network', ipv6)
      .option(
        '--alias <name>',
        'a further name by which others on the network find it (repeatable)',
        repeatable(word),
      )
      .option(
        '--gw-priority <number>',
        'the highest of all its networks is its way out, among equals the first (default: 0)',
        gatewayPriority,
      );
  },
  async run({ roots, json, out }, [network = '', wanted = ''], given) {
    const { ip, ip6, alias: aliases = [], gwPriority } = given as Flags;
    const container = findContainer(roots, wanted);
    await connectNetwork(roots, container, {
      network,
      ...(ip === undefined ? {} : { ip }),
      ...(ip6 === undefined ? {} : { ip6 }),
      ...(gwPriority === undefined ? {} : { gatewayPriority: gwPriority }),
      aliases,
    });
    if (json) out(`${JSON.stringify({ network, container: container.document.id })}\n`);
    return 0;
  },
};
