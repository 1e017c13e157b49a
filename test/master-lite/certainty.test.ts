import t from 'tap';
import { SchedulerClient, task } from './scheduler-client.js';
import { StagedMaster, until } from './staged-master.js';

const lasting = { failover_timeout: 3600, capabilities: [{ type: 'PARTITION_AWARE' as const }] };

t.test('of tasks whose agent was cut off on its way back nothing is said that is of the past', async (t) => {
  const staged = await StagedMaster.open(t);
  const agent = staged.agent();
  const client = new SchedulerClient(staged.url);
  t.after(() => client.close());
  await client.subscribe(lasting);
  const offer = await client.offer();
  await client.launch(offer, [task('x', offer)], 0);
  await until('it runs', () => client.states('x').length > 0);
  await until('it is acknowledged', () => agent.quiet);
  agent.cut();
  agent.end(`${client.id}/x`, 'TASK_FINISHED');
  await staged.restart();
  await client.subscribe({ ...lasting, id: { value: client.id } });
  const { cluster } = staged.master;
  const known = () => cluster.agents.get(agent.id ?? '');
  // The disk takes its time.
  const { store } = cluster;
  const flushed = store.flushed.bind(store);
  const held: (() => void)[] = [];
  store.flushed = (call) => void held.push(call);
  agent.connect();
  await until('it is being taken in', () => known()?.stored.state === 'registered');
  agent.cut();
  await until('and cut off', () => known()?.link === undefined);
  store.flushed = flushed;
  for (const call of held) call();
  client.statuses.length = 0;
  const ask = (id: string) => ({ task_id: { value: id } });
  await client.call({ type: 'RECONCILE', reconcile: { tasks: [ask('x'), ask('nobody')] } });
  await until('it is answered', () => client.statuses.length > 0);
  t.match(client.statuses, [{ task_id: { value: 'nobody' }, state: 'TASK_UNKNOWN' }]);
  t.equal(client.states('x').length, 0);
  agent.connect();
  await until('its end is told', () => client.states('x').includes('TASK_FINISHED'));
  t.strictSame([...new Set(client.states('x'))], ['TASK_FINISHED']);
});
