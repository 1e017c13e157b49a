import { Stage } from '../container/stage.js';
import { torture } from './torture/frame.js';
import { HurtCluster } from './torture/hurt-cluster.js';

/** `./dev torture --cluster` */
const what = 'kill -9 of agent, master, supervisors and tasks at any moment';
await torture({ url: import.meta.url, what, usual: 8 }, async (t, random, rounds) => {
  const cluster = new HurtCluster(t, await Stage.open(t), random);
  t.teardown(() => cluster.close());
  for (let round = 0; round < rounds; round++) await cluster.round(round);
});
