import { Option } from 'commander';
import { endpoint } from '../endpoint.js';
import type { Verb } from '../verb.js';

interface Flags {
  listen: { host: string; port: number };
  agentListen: { host: string; port: number };
  resources?: string;
  attributes?: string;
}

export const verb: Verb = {
  summary: 'Run a cluster of this host alone: a master and an agent, in the foreground',
  example: 'berth up',
  declare(command) {
    command
      .addOption(address('--listen <host:port>', 'where the master answers', 5050))
      .addOption(address('--agent-listen <host:port>', 'where the agent answers', 5051))
      .option('--attributes <list>', 'what frameworks may choose the host by: rack:a;zone:b')
      .option('--resources <list>', 'what it offers: cpus:4;mem:8192; what is not named is found out');
  },
  async run({ roots, note }, _args, given) {
    const { listen, agentListen, attributes, resources } = given as unknown as Flags;
    const { runUp } = await import('../daemons/up.js');
    return runUp({
      ...{ roots, note, listen, agentListen },
      agentFlags: [
        ...(attributes === undefined ? [] : ['--attributes', attributes]),
        ...(resources === undefined ? [] : ['--resources', resources]),
      ],
    });
  },
};

function address(flags: string, about: string, port: number): Option {
  const host = '127.0.0.1';
  return new Option(flags, about).argParser(endpoint).default({ host, port }, `${host}:${port}`);
}
