import { findContainer } from '../../containerizer/container/catalogue.js';
import { sweepShared } from '../../containerizer/container/shared-sweep.js';
import { startContainer } from '../../containerizer/container/start.js';
import { stopContainer } from '../../containerizer/container/stop.js';
import { forEachContainer } from '../each-container.js';
import { declareStopping, stopOptions } from '../stop-flags.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Stop containers that run, and start them again',
  example: 'berth restart -t 5 web',
  declare: declareStopping,
  async run(context, wanted, flags) {
    const { roots, note } = context;
    const stopping = stopOptions(flags);
    try {
      return await forEachContainer(context, wanted, async (id) => {
        const found = findContainer(roots, id);
        if (found.state === 'running') await stopContainer(roots, found, stopping);
        const container = await startContainer(roots, found, {
          client: null,
          onWarning: (text) => note(`berth: ${text}`),
        });
        container?.release();
      });
    } finally {
      sweepShared(roots);
    }
  },
};
