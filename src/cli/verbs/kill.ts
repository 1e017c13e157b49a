import { findContainer } from '../../containerizer/container/catalogue.js';
import { existingSignal } from '../../containerizer/container/signals.js';
import { signalContainer } from '../../containerizer/container/stop.js';
import { forEachContainer } from '../each-container.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Send a signal to the first process of containers',
  example: 'berth kill -s HUP web',
  declare(command) {
    command.argument('<id...>', 'ids or names').option('-s, --signal <signal>', 'name or number', 'KILL');
  },
  run(context, wanted, { signal }) {
    const number = existingSignal(String(signal));
    return forEachContainer(context, wanted, (id) =>
      signalContainer(context.roots, findContainer(context.roots, id), number),
    );
  },
};
