import { membersOf } from '../../containerizer/container/neighbours.js';
import type { NetworkDocument } from '../../containerizer/network/document.js';
import { neededSettings, readSetting } from '../../containerizer/network/host-settings.js';
import { isUp } from '../../containerizer/network/raise.js';
import { findNetwork } from '../../containerizer/network/store.js';
import type { Roots } from '../../state/roots.js';
import { dockerNetwork } from '../format/docker-things.js';
import { type Format, formatFlag } from '../format/flag.js';
import { inspected } from '../format/inspected.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Show all that is known of networks, as JSON',
  example: 'berth network inspect bridge',
  declare(command) {
    command
      .argument('<name...>', 'of one its document, of several a list of them')
      .addOption(formatFlag('-f, --format <template>'));
  },
  run({ roots, json, out }, names, given) {
    const { format } = given as { format?: Format };
    const told = names.map((name) => networkJson(roots, findNetwork(roots, name)));
    out(inspected(told, dockerNetwork, { json, format, alone: true }));
    return 0;
  },
};

export function networkJson(roots: Roots, network: NetworkDocument) {
  const { format: _format, automatic: _automatic, ...asked } = network;
  return {
    ...asked,
    driver: 'bridge',
    // False after a restart of the host, until a container needs it.
    up: isUp(network),
    containers: membersOf(roots, network.name).map(({ document: { id, name, attachments } }) => {
      const own = attachments.find((each) => each.network === network.name);
      return {
        id,
        name,
        ipv4: own?.ipv4 ?? null,
        ipv6: own?.ipv6 ?? null,
        mac: own?.mac ?? null,
      };
    }),
    settings: Object.entries(neededSettings(network)).map(([name, needed]) => ({
      name: `net.${name.replaceAll('/', '.')}`,
      needed,
      value: readSetting(name),
    })),
  };
}
