import type { DoorFlags } from '../../settings/flags.js';
import { doorFlags } from '../daemon-flags.js';
import type { Verb } from '../verb.js';

interface Flags extends DoorFlags {
  store: string;
  config?: string;
  check?: boolean;
  endWithStdin?: boolean;
}

export const verb: Verb = {
  summary: 'Run the master of a cluster, in the foreground',
  example: 'berth master --listen 127.0.0.1:5050',
  declare(command) {
    doorFlags(command, 5050)
      .option('--store <store>', 'where its state is kept: embedded, below --root', 'embedded')
      .option('--config <file>', 'all of these and more, as JSON (docs/reference/configuration.md)')
      .option('--check', 'only say whether all of that can be understood')
      .option('--end-with-stdin', 'end when standard input does: with whoever started it');
  },
  async run({ roots, note, out }, _args, given) {
    const flags = given as unknown as Flags;
    // A daemon of its own size: what other verbs load does not grow by it.
    const { runMaster } = await import('../daemons/master.js');
    return runMaster({
      ...{ roots, note, out, door: flags, check: flags.check === true, store: flags.store },
      ...(flags.config !== undefined && { config: flags.config }),
      endWithStdin: flags.endWithStdin === true,
    });
  },
};
