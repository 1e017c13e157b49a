import { membersOf } from '../../containerizer/container/neighbours.js';
import type { NetworkDocument } from '../../containerizer/network/document.js';
import { neededSettings, readSetting } from '../../containerizer/network/host-settings.js';
import { isUp } from '../../containerizer/network/raise.js';
import { findNetwork } from '../../containerizer/network/store.js';
import type { Roots } from '../../state/roots.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Show all that is known of a network, as JSON',
  example: 'berth network inspect bridge',
  declare(command) {
    command.argument('<name>');
  },
  run({ roots, json, out }, [name = '']) {
    out(`${JSON.stringify(networkJson(roots, findNetwork(roots, name)), null, json ? 0 : 2)}\n`);
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
    containers: membersOf(roots, network.name).map(({ document: { id, name, attachment } }) => ({
      id,
      name,
      ipv4: attachment?.ipv4 ?? null,
      ipv6: attachment?.ipv6 ?? null,
      mac: attachment?.mac ?? null,
    })),
    settings: Object.entries(neededSettings(network)).map(([name, needed]) => ({
      name: `net.${name.replaceAll('/', '.')}`,
      needed,
      value: readSetting(name),
    })),
  };
}
