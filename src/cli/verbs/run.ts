import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Run a command in a new container',
  example: 'berth run oci:images/node/out:latest node --version',
  declare() {},
  run() {
    return 0;
  },
};
