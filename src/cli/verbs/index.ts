import type { Verb } from '../verb.js';

/** A verb's place in the help, and where its code is: nothing is loaded but the verb that was asked for. */
export interface VerbEntry {
  summary: string;
  load(): Promise<{ verb: Verb }>;
}

/** Every verb by name; a name of two words is a verb of a group (`image ls`). */
export const verbs: Record<string, VerbEntry> = {
  ps: {
    summary: 'Show tasks, or the processes and threads of one, and where their time goes',
    load: () => import('./ps.js'),
  },
  run: { summary: 'Run a command in a new container', load: () => import('./run.js') },
  doctor: { summary: 'Show what this host has and lacks', load: () => import('./doctor.js') },
  version: {
    summary: 'Show the versions of berth, Node.js and the machine',
    load: () => import('./version.js'),
  },
};
