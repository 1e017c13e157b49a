import t from 'tap';
import { listContainers } from '../../src/containerizer/container/catalogue.js';
import { Stage, unlessRoot } from '../container/stage.js';
import { NpmClient } from '../master-lite/npm-client.js';
import { StagedMaster, until } from '../master-lite/staged-master.js';
import { configFile, StagedAgent } from './staged-agent.js';

t.test('an unmodified framework of npm’s through a real agent', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const master = await StagedMaster.open(t, { agentHeartbeat: 1, agentTimeout: 30 });
  const resources = 'cpus:200;mem:8192;disk:10000;ports:[31000-31999]';
  const agent = new StagedAgent(stage, [
    ...['--master', master.url, '--listen', '127.0.0.1:0', '--resources', resources],
    ...['--config', configFile(stage)],
  ]).start();
  t.after(() => agent.end('SIGTERM'));
  await agent.connected();

  for (const instances of [1, 10, 100])
    await t.test(`${instances} tasks`, async (t) => {
      const image = instances === 10 ? {} : { image: stage.image.reference };
      const client = new NpmClient(t, master.port, instances, {
        ...image,
        command: instances === 10 ? 'sleep 2' : 'sleep 0.3',
      });
      if (instances === 10) {
        // The agent is killed while they run.
        await until('all run', () => client.count('TASK_RUNNING') === instances, 60);
        await agent.end('SIGKILL');
        agent.start();
        await agent.connected(agent.connections + 1);
      }
      await until('all are finished', () => client.count('TASK_FINISHED') === instances, 60);
      t.equal(client.states.size, instances, 'none was started twice');
      for (const states of client.states.values())
        t.strictSame([...new Set(states)], ['TASK_STARTING', 'TASK_RUNNING', 'TASK_FINISHED']);
      t.strictSame(client.errors, []);
      await until('their containers are gone', () => listContainers(stage.roots).length === 0);
    });
});
