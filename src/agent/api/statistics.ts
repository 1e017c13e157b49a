import { readFileSync } from 'node:fs';
import path from 'node:path';
import { takeSample } from '../../inspect/sample.js';
import type { InspectedTask } from '../../inspect/task-source.js';
import type { ResourceStatistics } from '../../mesos/messages.js';

/** What containers have used so far, as the reference tells it. In the order of `tasks`, which run. */
export async function statisticsOf(tasks: readonly InspectedTask[]): Promise<ResourceStatistics[]> {
  if (tasks.length === 0) return [];
  const sample = await takeSample([...tasks], {
    intervalSeconds: 0,
    pss: false,
    threads: false,
    usage: true,
  });
  const [snapshot] = sample.snapshots;
  return tasks.map((task, index) => {
    const counters = snapshot?.tasks[index];
    const usage = snapshot?.usage?.[index];
    return known({
      timestamp: Date.now() / 1000,
      ...cpuOf(task, counters?.cpu ?? null, counters?.throttled ?? null),
      ...memoryOf(task),
      mem_total_bytes: counters?.memory,
      mem_limit_bytes: counters?.memory_limit,
      mem_swap_bytes: usage?.swap,
      processes: usage?.processes,
      threads: usage?.threads,
      net_rx_bytes: usage?.received,
      net_tx_bytes: usage?.sent,
    });
  });
}

type Maybe = { [Name in keyof ResourceStatistics]?: ResourceStatistics[Name] | null };

/** Without what the kernel does not tell. */
function known(statistics: Maybe): ResourceStatistics {
  const members = Object.entries(statistics).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(members) as unknown as ResourceStatistics;
}

/** USER_HZ of the kernel's ABI, in which v1 tells user and system time apart. */
const ticks = 100;

function cpuOf(task: InspectedTask, total: number | null, throttled: number | null): Maybe {
  const place = task.cgroup.controllers.cpu;
  const stat = place === undefined ? {} : numbers(place.directory, 'cpu.stat');
  const times = cpuTimes(task, stat, total);
  return {
    cpus_user_time_secs: times?.[0],
    cpus_system_time_secs: times?.[1],
    cpus_nr_periods: stat.nr_periods,
    cpus_nr_throttled: stat.nr_throttled,
    cpus_throttled_time_secs: throttled,
  };
}

function cpuTimes(
  task: InspectedTask,
  stat: Record<string, number>,
  total: number | null,
): [number, number] | undefined {
  if (stat.user_usec !== undefined && stat.system_usec !== undefined)
    return [stat.user_usec / 1e6, stat.system_usec / 1e6];
  const account = task.cgroup.controllers.cpuacct;
  const { user, system } = account === undefined ? {} : numbers(account.directory, 'cpuacct.stat');
  if (user !== undefined && system !== undefined) return [user / ticks, system / ticks];
  return total === null ? undefined : [total, 0];
}

function memoryOf(task: InspectedTask): Maybe {
  const place = task.cgroup.controllers.memory;
  if (place === undefined) return {};
  const stat = numbers(place.directory, 'memory.stat');
  const [anon, file, mapped] =
    place.version === 2
      ? [stat.anon, stat.file, stat.file_mapped]
      : [stat.total_rss, stat.total_cache, stat.total_mapped_file];
  return {
    mem_anon_bytes: anon,
    mem_rss_bytes: anon,
    mem_file_bytes: file,
    mem_cache_bytes: file,
    mem_mapped_file_bytes: mapped,
  };
}

/** `NAME NUMBER` lines of a file of a cgroup; none where the cgroup has gone. */
function numbers(directory: string, file: string): Record<string, number> {
  let text: string;
  try {
    text = readFileSync(path.join(directory, file), 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENODEV') return {};
    throw error;
  }
  return Object.fromEntries(
    text
      .trim()
      .split('\n')
      .map((line) => line.split(' '))
      .map(([name = '', value]) => [name, Number(value)]),
  );
}
