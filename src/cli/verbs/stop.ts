import { findContainer } from '../../containerizer/container/catalogue.js';
import { stopContainer } from '../../containerizer/container/stop.js';
import { forEachContainer } from '../each-container.js';
import { seconds } from '../run-flags/quantity.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'End containers: their stop signal, and after a while SIGKILL',
  example: 'berth stop -t 5 web',
  declare(command) {
    command
      .argument('<id...>', 'ids or names')
      .option(
        '-t, --time <seconds>',
        "how long to wait before SIGKILL; by default the container's --stop-timeout, else 10",
        seconds,
      );
  },
  run(context, wanted, { time }) {
    return forEachContainer(context, wanted, async (id) => {
      await stopContainer(
        context.roots,
        findContainer(context.roots, id),
        time === undefined ? {} : { graceSeconds: Number(time) },
      );
    });
  },
};
