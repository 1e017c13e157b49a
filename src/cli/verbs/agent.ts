import { endpoint } from '../endpoint.js';
import type { Verb } from '../verb.js';

interface Flags {
  master?: string;
  listen?: { host: string; port: number };
  hostname?: string;
  attributes?: string;
  resources?: string;
  config?: string;
  endWithStdin?: boolean;
}

export const verb: Verb = {
  summary: 'Run the agent of this host, in the foreground',
  example: "berth agent --master http://127.0.0.1:5050 --attributes 'rack:a;zone:b'",
  declare(command) {
    command
      .option('--master <url,…>', 'where masters answer (default: http://127.0.0.1:5050)')
      .option('--listen <host:port>', 'where it answers (default: 127.0.0.1:5051)', endpoint)
      .option('--hostname <name>', 'what it is called in the cluster (default: the name of this host)')
      .option('--attributes <list>', 'what frameworks may choose hosts by: rack:a;zone:b')
      .option('--resources <list>', 'what it offers: cpus:4;mem:8192; what is not named is found out')
      .option('--config <file>', 'all of these and more, as JSON (docs/reference/agent.md)')
      .option('--end-with-stdin', 'end when standard input does: with whoever started it');
  },
  async run({ roots, note }, _args, given) {
    const { master, ...flags } = given as unknown as Flags;
    const { runAgent } = await import('../daemons/agent.js');
    return runAgent({
      ...{ roots, note },
      ...(master !== undefined && { masters: master.split(',').map(urlOf) }),
      ...(flags.listen !== undefined && { listen: flags.listen }),
      ...(flags.hostname !== undefined && { hostname: flags.hostname }),
      ...(flags.attributes !== undefined && { attributes: flags.attributes }),
      ...(flags.resources !== undefined && { resources: flags.resources }),
      ...(flags.config !== undefined && { config: flags.config }),
      endWithStdin: flags.endWithStdin === true,
    });
  },
};

const urlOf = (text: string) => (/^https?:\/\//.test(text) ? text : `http://${text}`);
