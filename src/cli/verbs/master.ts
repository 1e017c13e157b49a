import { endpoint } from '../endpoint.js';
import type { Verb } from '../verb.js';

interface Flags {
  listen?: { host: string; port: number };
  store: string;
  config?: string;
  endWithStdin?: boolean;
}

export const verb: Verb = {
  summary: 'Run the master of a cluster, in the foreground',
  example: 'berth master --listen 127.0.0.1:5050',
  declare(command) {
    command
      .option('--listen <host:port>', 'where it answers (default: 127.0.0.1:5050)', endpoint)
      .option('--store <store>', 'where its state is kept: embedded, below --root', 'embedded')
      .option('--config <file>', 'credentials, timings and more, as JSON (docs/reference/master.md)')
      .option('--end-with-stdin', 'end when standard input does: with whoever started it');
  },
  async run({ roots, note }, _args, given) {
    const flags = given as unknown as Flags;
    // A daemon of its own size: what other verbs load does not grow by it.
    const { runMaster } = await import('../daemons/master.js');
    return runMaster({
      roots,
      note,
      store: flags.store,
      ...(flags.listen !== undefined && { listen: flags.listen }),
      ...(flags.config !== undefined && { config: flags.config }),
      endWithStdin: flags.endWithStdin === true,
    });
  },
};
