import type { DoorFlags } from '../../settings/flags.js';
import { agentFlags, doorFlags, masterUrls } from '../daemon-flags.js';
import type { Verb } from '../verb.js';

interface Flags extends DoorFlags {
  master?: string;
  hostname?: string;
  attributes?: string;
  resources?: string;
  config?: string;
  check?: boolean;
  endWithStdin?: boolean;
}

export const verb: Verb = {
  summary: 'Run the agent of this host, in the foreground',
  example: "berth agent --master http://127.0.0.1:5050 --attributes 'rack:a;zone:b'",
  declare(command) {
    doorFlags(agentFlags(command), 5051)
      .option('--config <file>', 'all of these and more, as JSON (docs/reference/configuration.md)')
      .option('--check', 'only say whether all of that can be understood')
      .option('--end-with-stdin', 'end when standard input does: with whoever started it');
  },
  async run({ roots, note, out }, _args, given) {
    const { master, ...flags } = given as unknown as Flags;
    const { runAgent } = await import('../daemons/agent.js');
    return runAgent({
      ...{ roots, note, out, door: flags, check: flags.check === true },
      ...(master !== undefined && { masters: masterUrls(master) }),
      ...(flags.hostname !== undefined && { hostname: flags.hostname }),
      ...(flags.attributes !== undefined && { attributes: flags.attributes }),
      ...(flags.resources !== undefined && { resources: flags.resources }),
      ...(flags.config !== undefined && { config: flags.config }),
      endWithStdin: flags.endWithStdin === true,
    });
  },
};
