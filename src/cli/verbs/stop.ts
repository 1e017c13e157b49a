import { findContainer } from '../../containerizer/container/catalogue.js';
import { stopContainer } from '../../containerizer/container/stop.js';
import { forEachContainer } from '../each-container.js';
import { declareStopping, stopOptions } from '../stop-flags.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'End containers: their stop signal, and after a while SIGKILL',
  example: 'berth stop -t 5 web',
  declare: declareStopping,
  run(context, wanted, flags) {
    const options = stopOptions(flags);
    return forEachContainer(context, wanted, async (id) => {
      await stopContainer(context.roots, findContainer(context.roots, id), options);
    });
  },
};
