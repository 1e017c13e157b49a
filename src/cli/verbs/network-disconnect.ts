import { findContainer } from '../../containerizer/container/catalogue.js';
import { disconnectNetwork } from '../../containerizer/container/disconnect.js';
import { BerthError } from '../../errors/berth-error.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Take a container off a network, at once if it runs',
  example: 'berth network disconnect backend web',
  declare(command) {
    command
      .argument('<network>', 'its name')
      .argument('<id>', 'id or name of the container')
      .option('-f, --force', 'one that is not there, or not on the network, is no failure');
  },
  async run({ roots, json, out }, [network = '', wanted = ''], { force }) {
    try {
      const container = findContainer(roots, wanted);
      if (force !== true || container.document.networks.includes(network))
        await disconnectNetwork(roots, container, network);
      if (json) out(`${JSON.stringify({ network, container: container.document.id })}\n`);
    } catch (error) {
      const absent = error instanceof BerthError && error.code === 'CONTAINER_NOT_FOUND';
      if (force !== true || !absent) throw error;
      if (json) out(`${JSON.stringify({ network, container: null })}\n`);
    }
    return 0;
  },
};
