import { existsSync } from 'node:fs';
import { attachTo, stdioOf } from '../../containerizer/container/attach.js';
import { findContainer } from '../../containerizer/container/catalogue.js';
import { sweepAfter } from '../../containerizer/container/shared-sweep.js';
import { native } from '../../native/index.js';
import { places } from '../../state/roots.js';
import { Foreground } from '../foreground.js';
import { detachKeysFlag, sigProxyFlag } from '../run-flags/interaction.js';
import type { Verb } from '../verb.js';

interface Flags {
  stdin: boolean;
  detachKeys: string;
  sigProxy: boolean;
}

export const verb: Verb = {
  summary: 'Take part in what goes in and out of a running container',
  example: 'berth attach web',
  declare(command) {
    command
      .argument('<id>', 'id or name')
      .option('--no-stdin', 'only listen')
      .addOption(detachKeysFlag())
      .addOption(sigProxyFlag());
  },
  async run({ roots }, [wanted = ''], given) {
    const { stdin, detachKeys, sigProxy } = given as unknown as Flags;
    const container = findContainer(roots, wanted);
    const stdio = stdioOf(roots, container);
    const input = stdin && stdio.input;
    const foreground = new Foreground({
      others: true,
      // Somebody may as well pipe what is to be typed.
      terminal: stdio.terminal && (!input || native().terminalSize(0) !== null),
      input,
      signals: sigProxy,
      detachKeys,
      redraw: true,
    });
    const client = foreground.client();
    foreground.begin();
    try {
      const status = await foreground.follow(await attachTo(roots, container, client));
      // It may have been the last one, and nobody else need be there who hears of its end.
      if (!existsSync(places.run(roots, container.document.id))) await sweepAfter(roots, container.process);
      return status;
    } finally {
      foreground.end();
    }
  },
};
