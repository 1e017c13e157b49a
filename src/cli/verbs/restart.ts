import { findContainer } from '../../containerizer/container/catalogue.js';
import { sweepShared } from '../../containerizer/container/shared-sweep.js';
import { startContainer } from '../../containerizer/container/start.js';
import { stopContainer } from '../../containerizer/container/stop.js';
import { forEachContainer } from '../each-container.js';
import { seconds } from '../run-flags/quantity.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Stop containers that run, and start them again',
  example: 'berth restart -t 5 web',
  declare(command) {
    command
      .argument('<id...>', 'ids or names')
      .option(
        '-t, --time <seconds>',
        "how long to wait before SIGKILL; by default the container's --stop-timeout, else 10",
        seconds,
      );
  },
  async run(context, wanted, { time }) {
    const { roots, note } = context;
    const grace = time === undefined ? {} : { graceSeconds: Number(time) };
    try {
      return await forEachContainer(context, wanted, async (id) => {
        const found = findContainer(roots, id);
        if (found.state === 'running') await stopContainer(roots, found, grace);
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
