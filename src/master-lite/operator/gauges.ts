import { cpus, freemem, loadavg, totalmem } from 'node:os';
import { Resources } from '../../mesos/resources/resources.js';
import { usedOf } from '../agents/view.js';
import type { Cluster } from '../cluster.js';

/** What /metrics/snapshot has: counters, and how things are now. */
export function metricsOf(cluster: Cluster): Record<string, number> {
  const agents = [...cluster.agents.values()];
  const frameworks = [...cluster.frameworks.values()];
  const present = agents.filter((agent) => agent.stored.state === 'registered');
  const states = new Map<string, number>();
  for (const framework of frameworks)
    for (const { task } of framework.tasks.values())
      states.set(task.state, (states.get(task.state) ?? 0) + 1);
  const inState = (state: string) => states.get(state) ?? 0;
  const [one, five, fifteen] = loadavg();
  return {
    ...resourceGauges(cluster),
    'allocator/mesos/event_queue_dispatches': 0,
    'master/elected': 1,
    'master/uptime_secs': Date.now() / 1000 - cluster.startTime,
    'master/slaves_connected': present.filter((agent) => agent.connected).length,
    'master/slaves_disconnected': present.filter((agent) => !agent.connected).length,
    'master/slaves_active': present.filter((agent) => agent.connected && agent.usable).length,
    'master/slaves_inactive': present.filter((agent) => !agent.connected || !agent.usable).length,
    'master/slaves_unreachable': agents.filter((agent) => agent.stored.state === 'unreachable').length,
    'master/recovered_slaves': agents.filter((agent) => agent.stored.state === 'recovered').length,
    'master/frameworks_connected': frameworks.filter((framework) => framework.connected).length,
    'master/frameworks_active': frameworks.filter((framework) => framework.connected).length,
    'master/frameworks_disconnected': frameworks.filter((framework) => !framework.connected).length,
    'master/frameworks_inactive': frameworks.filter((framework) => !framework.connected).length,
    'master/outstanding_offers': cluster.offers.size,
    'master/tasks_staging': inState('TASK_STAGING'),
    'master/tasks_starting': inState('TASK_STARTING'),
    'master/tasks_running': inState('TASK_RUNNING'),
    'master/tasks_killing': inState('TASK_KILLING'),
    'master/tasks_unreachable': inState('TASK_UNREACHABLE'),
    'master/operator_event_stream_subscribers': cluster.watchers.count,
    'system/cpus_total': cpus().length,
    'system/load_1min': one ?? 0,
    'system/load_5min': five ?? 0,
    'system/load_15min': fifteen ?? 0,
    'system/mem_free_bytes': freemem(),
    'system/mem_total_bytes': totalmem(),
    ...cluster.metrics.snapshot(),
  };
}

function resourceGauges(cluster: Cluster): Record<string, number> {
  const present = [...cluster.agents.values()].filter((agent) => agent.stored.state === 'registered');
  const total = Resources.sum(present.map((agent) => agent.total));
  const used = Resources.sum(present.map(usedOf));
  return Object.fromEntries(
    ['cpus', 'mem', 'disk', 'gpus'].flatMap((name) => {
      const [all, some] = [total.scalar(name) / 1000, used.scalar(name) / 1000];
      return [
        [`master/${name}_total`, all],
        [`master/${name}_used`, some],
        [`master/${name}_percent`, all > 0 ? some / all : 0],
      ];
    }),
  );
}
