import { findContainer } from '../../containerizer/container/catalogue.js';
import { sweepCgroups } from '../../containerizer/container/cgroup-sweep.js';
import { startContainer } from '../../containerizer/container/start.js';
import { forEachContainer } from '../each-container.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Start containers that were created, or have ended',
  example: 'berth start web',
  declare(command) {
    command.argument('<id...>', 'ids or names');
  },
  async run(context, wanted) {
    const { roots, note } = context;
    try {
      return await forEachContainer(context, wanted, async (id) => {
        const container = await startContainer(roots, findContainer(roots, id), {
          client: null,
          onWarning: (text) => note(`berth: ${text}`),
        });
        container?.release();
      });
    } finally {
      sweepCgroups(roots);
    }
  },
};
