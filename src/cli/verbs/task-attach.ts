import { native } from '../../native/index.js';
import type { AccessFlags } from '../cluster/access.js';
import { below, belowFlag } from '../cluster/below.js';
import { MasterClient, masterFlag } from '../cluster/master-client.js';
import { findRunningTask } from '../cluster/running-task.js';
import { SessionClient } from '../cluster/session-client.js';
import { Foreground } from '../foreground.js';
import { RemoteProgram } from '../remote-program.js';
import { detachKeysFlag, sigProxyFlag } from '../run-flags/interaction.js';
import type { Verb } from '../verb.js';

interface Flags {
  stdin: boolean;
  detachKeys: string;
  sigProxy: boolean;
  container?: string[];
}

export const verb: Verb = {
  summary: 'Take part in what goes in and out of a task',
  example: 'berth task attach web-1',
  declare(command) {
    masterFlag(command)
      .argument('<task>', 'its id, or the beginning of it')
      .option('--no-stdin', 'only listen')
      .addOption(detachKeysFlag())
      .addOption(sigProxyFlag())
      .addOption(belowFlag());
  },
  async run(_, [name = ''], given) {
    const { stdin, detachKeys, sigProxy, container: ids } = given as unknown as Flags;
    const master = new MasterClient(given as AccessFlags);
    const task = await findRunningTask(master, name);
    // A task takes input by its terminal, if it has one; of one below nobody here knows.
    const input = stdin && task.terminal && ids === undefined;
    // Somebody may as well pipe what is to be typed.
    const terminal = input && native().terminalSize(0) !== null;
    const foreground = new Foreground({
      terminal,
      input,
      signals: sigProxy,
      detachKeys,
      others: true,
      redraw: true,
    });
    const client = new SessionClient(task.address, master.access);
    const container = below(task.container, ids);
    foreground.begin();
    try {
      // Asked at once: when it has ended, the container is soon forgotten.
      const waiting = client.wait(container);
      waiting.catch(() => {});
      const output = await client.open({
        type: 'ATTACH_CONTAINER_OUTPUT',
        attach_container_output: { container_id: container },
      });
      const request = { container, input, terminal, detachKeys, left: () => foreground.leave() };
      return await foreground.follow(new RemoteProgram(client, output, request, () => waiting));
    } finally {
      foreground.end();
      client.close();
    }
  },
};
