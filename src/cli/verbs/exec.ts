import { Option } from 'commander';
import { findContainer } from '../../containerizer/container/catalogue.js';
import { execInContainer } from '../../containerizer/container/exec.js';
import { Foreground } from '../foreground.js';
import { repeatable } from '../run-flags/group.js';
import { detachKeysFlag, sigProxyFlag } from '../run-flags/interaction.js';
import { variable, variablesOfFiles } from '../run-flags/key-value.js';
import { absolute } from '../run-flags/process.js';
import type { Verb } from '../verb.js';

interface Flags {
  interactive?: true;
  tty?: true;
  detach?: true;
  detachKeys: string;
  sigProxy: boolean;
  env?: string[][];
  envFile?: string[];
  user?: string;
  workdir?: string;
  privileged?: true;
}

export const verb: Verb = {
  summary: 'Run one more command in a container',
  example: 'berth exec -it web sh',
  declare(command) {
    command
      .argument('<id>', 'id or name')
      .argument('<command...>', 'with its arguments')
      .passThroughOptions()
      .option('-i, --interactive', 'what is typed or piped here reaches the command')
      .option('-t, --tty', 'a terminal of its own')
      .option('-d, --detach', 'leave it running, with nobody to hear it')
      .option('-u, --user <user[:group]>', 'names from the image, or numbers')
      .addOption(new Option('-w, --workdir <dir>', 'working directory').argParser(absolute))
      .option('--privileged', "every capability in the container's user namespace")
      .addOption(detachKeysFlag())
      .addOption(sigProxyFlag())
      .addOption(
        new Option(
          '-e, --env <name=value>',
          'set a variable; NAME alone takes it from this environment (repeatable)',
        ).argParser(repeatable(variable)),
      )
      .addOption(
        new Option(
          '--env-file <file>',
          'variables from a file, one a line; --env goes over it (repeatable)',
        ).argParser(repeatable(String)),
      );
  },
  async run({ roots, json, out }, [wanted = '', ...words], given) {
    const flags = given as unknown as Flags;
    const container = findContainer(roots, wanted);
    const options = {
      command: words,
      env: [...variablesOfFiles(flags.envFile ?? []), ...(flags.env ?? []).flat()],
      terminal: flags.tty === true,
      input: flags.interactive === true,
      privileged: flags.privileged === true,
      ...(flags.user === undefined ? {} : { user: flags.user }),
      ...(flags.workdir === undefined ? {} : { workingDirectory: flags.workdir }),
    };
    if (flags.detach === true) {
      const program = await execInContainer(roots, container, { options, client: null });
      program.release();
      if (json) out(`${JSON.stringify({ id: container.document.id, pid: program.pid })}\n`);
      return 0;
    }
    const foreground = new Foreground({
      terminal: options.terminal,
      input: options.input,
      signals: flags.sigProxy,
      detachKeys: flags.detachKeys,
    });
    const client = foreground.client();
    foreground.begin();
    try {
      return await foreground.follow(await execInContainer(roots, container, { options, client }));
    } finally {
      foreground.end();
    }
  },
};
