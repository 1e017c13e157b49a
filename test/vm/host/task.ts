import { SchedulerClient } from '../../master-lite/scheduler-client.js';
import { until } from '../../master-lite/staged-master.js';

/** `task.js NAME`: launches a task of the host's own files on the master of this host, and leaves it to itself. Prints its last state. */
const name = process.argv[2] ?? 'kept';
const client = new SchedulerClient('http://127.0.0.1:5050');
await client.subscribe({ name, failover_timeout: 3600 });
const offer = await client.offer();
await client.launch(offer, [
  {
    name,
    task_id: { value: name },
    agent_id: offer.agent_id,
    command: { value: 'exec sleep 100000' },
    resources: [
      { name: 'cpus', type: 'SCALAR', scalar: { value: 0.1 } },
      { name: 'mem', type: 'SCALAR', scalar: { value: 64 } },
    ],
  },
]);
await until(
  'it runs or has failed',
  () => client.states(name).some((state) => /RUNNING|FAILED|ERROR|LOST/.test(state)),
  120,
);
process.stdout.write(
  `${client.statuses.map(({ state, message }) => `${state} ${message ?? ''}`.trim()).join(', ')}\n`,
);
// What it has acknowledged has been heard once its connections end in order.
client.close();
