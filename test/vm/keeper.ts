// A framework in a guest: launches some sleeps on each agent, once, and writes down all that it is told.
// SIGUSR1 makes it ask the master after every task that it knows no end of. It subscribes again whenever it is cut off.
//   keeper MASTER TASKS-PER-AGENT FILE
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isTerminal } from '../../src/agent/task/states.js';
import type { Offer, SchedulerEvent, TaskInfo } from '../../src/mesos/messages.js';
import { SchedulerClient } from '../master-lite/scheduler-client.js';

const [master = '', perAgent = '', file = ''] = process.argv.slice(2);
const client = new SchedulerClient(master);
const hosts = new Map<string, TaskInfo[]>();
const ended = new Set<string>();

const tell = (line: object) => appendFileSync(file, `${JSON.stringify(line)}\n`);

/** Each task sleeps for a number of seconds of its own, so that its process can be found from outside. */
function tasksOn(offer: Offer): TaskInfo[] {
  const guest = Number(offer.hostname.replace(/\D/g, ''));
  return Array.from({ length: Number(perAgent) }, (_, index) => {
    const seconds = 860_000 + guest * 100 + index;
    return {
      name: `sleep ${seconds}`,
      task_id: { value: `task-${seconds}` },
      agent_id: offer.agent_id,
      resources: [
        { name: 'cpus', type: 'SCALAR', scalar: { value: 0.05 } },
        { name: 'mem', type: 'SCALAR', scalar: { value: 32 } },
      ],
      command: { value: `exec sleep ${seconds}` },
    };
  });
}

client.onEvent = ({ type, offers, update }: SchedulerEvent) => {
  if (type === 'SUBSCRIBED') tell({ subscribed: client.id });
  const status = update?.status;
  if (status !== undefined) {
    if (isTerminal(status.state)) ended.add(status.task_id.value);
    tell({
      task: status.task_id.value,
      state: status.state,
      reason: status.reason,
      message: status.message,
      told: status.uuid === undefined ? 'by the master' : 'by the agent',
    });
  }
  for (const offer of offers?.offers ?? []) {
    client.offers.delete(offer.id.value);
    const tasks = hosts.has(offer.hostname) ? [] : tasksOn(offer);
    if (tasks.length > 0) hosts.set(offer.hostname, tasks);
    // An offer that is not used is refused for a while, so that not all of it is about offers.
    client.launch(offer, tasks, 30).then(
      (status) => tell({ launched: tasks.map(({ task_id }) => task_id.value), on: offer.hostname, status }),
      (error: Error) => {
        if (tasks.length > 0) hosts.delete(offer.hostname);
        tell({ failed: error.message });
      },
    );
  }
};

function ask(): void {
  const open = [...hosts.values()].flat().filter(({ task_id }) => !ended.has(task_id.value));
  const tasks = open.map(({ task_id, agent_id }) => ({ task_id, agent_id }));
  client.call({ type: 'RECONCILE', reconcile: { tasks } }).then(
    (status) => tell({ asked: status }),
    (error: Error) => tell({ failed: error.message }),
  );
}
process.on('SIGUSR1', ask);

for (;;) {
  try {
    await client.subscribe({
      name: 'keeper',
      checkpoint: true,
      failover_timeout: 3600,
      roles: ['keeper'],
      capabilities: [{ type: 'MULTI_ROLE' }, { type: 'PARTITION_AWARE' }],
    });
    while (!client.ended) await sleep(50);
    tell({ lost: 'the master' });
  } catch (error) {
    tell({ failed: error instanceof Error ? error.message : String(error) });
  }
  await sleep(1000);
}
