import { randomUUID } from 'node:crypto';
import { Option } from 'commander';
import { native } from '../../native/index.js';
import type { AccessFlags } from '../cluster/access.js';
import { below, belowFlag } from '../cluster/below.js';
import { MasterClient, masterFlag } from '../cluster/master-client.js';
import { findRunningTask } from '../cluster/running-task.js';
import { SessionClient } from '../cluster/session-client.js';
import { Foreground } from '../foreground.js';
import { RemoteProgram } from '../remote-program.js';
import { repeatable } from '../run-flags/group.js';
import { variable } from '../run-flags/key-value.js';
import type { Verb } from '../verb.js';

interface Flags {
  interactive?: true;
  tty?: true;
  user?: string;
  env?: string[][];
  container?: string[];
}

export const verb: Verb = {
  summary: 'Run one more command in a task, on whatever node that is',
  example: 'berth task exec -it web-1 sh',
  declare(command) {
    masterFlag(command)
      .argument('<task>', 'its id, or the beginning of it')
      .argument('<command...>', 'with its arguments')
      .passThroughOptions()
      .option('-i, --interactive', 'what is typed or piped here reaches the command')
      .option('-t, --tty', 'a terminal of its own')
      .option('-u, --user <user[:group]>', 'names from the image, or numbers')
      .addOption(belowFlag())
      .addOption(
        new Option(
          '-e, --env <name=value>',
          'set a variable; NAME alone takes it from this environment (repeatable)',
        ).argParser(repeatable(variable)),
      );
  },
  async run(_, [name = '', ...words], given) {
    const { interactive, tty, user, env = [], container } = given as Flags;
    const terminal = tty === true;
    const input = interactive === true;
    const foreground = new Foreground({ terminal, input, signals: true, detachKeys: '' });
    const master = new MasterClient(given as AccessFlags);
    const task = await findRunningTask(master, name);
    const client = new SessionClient(task.address, master.access);
    const container_id = { value: randomUUID(), parent: below(task.container, container) };
    const size = terminal ? (native().terminalSize(1) ?? native().terminalSize(0)) : null;
    const variables = env.flat().map((text) => {
      const equals = text.indexOf('=');
      return { name: text.slice(0, equals), value: text.slice(equals + 1) };
    });
    foreground.begin();
    try {
      const output = await client.open({
        type: 'LAUNCH_NESTED_CONTAINER_SESSION',
        launch_nested_container_session: {
          container_id,
          command: {
            shell: false,
            value: words[0],
            arguments: words,
            environment: { variables },
            ...(user !== undefined && { user }),
          },
          ...(terminal && {
            container: {
              type: 'MESOS',
              tty_info: size === null ? {} : { window_size: { rows: size.rows, columns: size.columns } },
            },
          }),
        },
      });
      const program = new RemoteProgram(
        client,
        output,
        { container: container_id, input, terminal, detachKeys: '', left: () => {} },
        () => client.wait(container_id),
      );
      const status = await foreground.follow(program);
      await client.tell({ type: 'REMOVE_NESTED_CONTAINER', remove_nested_container: { container_id } });
      return status;
    } finally {
      foreground.end();
      client.close();
    }
  },
};
