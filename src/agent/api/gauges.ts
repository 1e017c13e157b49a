import { cpus, freemem, loadavg, totalmem } from 'node:os';
import { Resources } from '../../mesos/resources/resources.js';
import type { ApiContext } from './context.js';

const endings = ['finished', 'failed', 'killed', 'lost', 'gone'] as const;

/** What /metrics/snapshot has, under the names of the reference. */
export function metricsOf({ agent, history, startTime }: ApiContext): Record<string, number> {
  const states = new Map<string, number>();
  const used = new Map<string, number>();
  const executors = new Set<string>();
  // There may be thousands: they are gone through once.
  for (const task of agent.tasks.values()) {
    states.set(task.state, (states.get(task.state) ?? 0) + 1);
    if (task.ended) continue;
    executors.add(`${task.frameworkId}/${task.executorId}`);
    for (const { name, scalar } of task.info.resources ?? [])
      if (scalar !== undefined) used.set(name, (used.get(name) ?? 0) + Math.round(scalar.value * 1000));
  }
  const inState = (state: string) => states.get(state) ?? 0;
  const ended = endings.map((each) => [`slave/tasks_${each}`, history.count(`TASK_${each.toUpperCase()}`)]);
  const [one, five, fifteen] = loadavg();
  return {
    ...resourceGauges(Resources.of(agent.checkpointed ?? agent.resources), used),
    'slave/uptime_secs': Date.now() / 1000 - startTime,
    'slave/registered': agent.link.subscribed ? 1 : 0,
    'slave/frameworks_active': agent.frameworks.size,
    'slave/executors_running': executors.size,
    'slave/tasks_staging': inState('TASK_STAGING'),
    'slave/tasks_starting': inState('TASK_STARTING'),
    'slave/tasks_running': inState('TASK_RUNNING'),
    'slave/tasks_killing': inState('TASK_KILLING'),
    ...Object.fromEntries(ended),
    'system/cpus_total': cpus().length,
    'system/load_1min': one ?? 0,
    'system/load_5min': five ?? 0,
    'system/load_15min': fifteen ?? 0,
    'system/mem_free_bytes': freemem(),
    'system/mem_total_bytes': totalmem(),
  };
}

/** `used`: thousandths by name. */
function resourceGauges(total: Resources, used: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries(
    ['cpus', 'mem', 'disk', 'gpus'].flatMap((name) => {
      const [all, some] = [total.scalar(name) / 1000, (used.get(name) ?? 0) / 1000];
      return [
        [`slave/${name}_total`, all],
        [`slave/${name}_used`, some],
        [`slave/${name}_percent`, all > 0 ? some / all : 0],
      ];
    }),
  );
}
