import { randomBytes } from 'node:crypto';
import { makeVolume } from '../../containerizer/container/volume-users.js';
import { repeatable } from '../run-flags/group.js';
import { pair } from '../run-flags/key-value.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Make a volume that containers can keep files in',
  example: 'berth volume create data',
  declare(command) {
    command
      .argument('[name]', 'by default one that nothing else has')
      .option('--label <key=value>', 'a note for people and tools (repeatable)', repeatable(pair));
  },
  async run({ roots, json, out }, [name = randomBytes(16).toString('hex')], flags) {
    const { label = [] } = flags as { label?: [string, string][] };
    await makeVolume(roots, name, Object.fromEntries(label));
    out(json ? `${JSON.stringify({ name })}\n` : `${name}\n`);
    return 0;
  },
};
