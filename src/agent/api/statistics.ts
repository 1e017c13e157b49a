import { takeSample } from '../../inspect/sample.js';
import type { InspectedTask } from '../../inspect/task-source.js';
import type { ResourceStatistics } from '../../mesos/messages.js';

/** What containers have used so far, as the reference tells it. In the order of `tasks`, which run. Nothing is read on the main thread. */
export async function statisticsOf(tasks: readonly InspectedTask[]): Promise<ResourceStatistics[]> {
  if (tasks.length === 0) return [];
  const sample = await takeSample([...tasks], {
    intervalSeconds: 0,
    pss: false,
    threads: false,
    usage: true,
  });
  const [snapshot] = sample.snapshots;
  return tasks.map((_, index) => {
    const counters = snapshot?.tasks[index];
    const usage = snapshot?.usage?.[index];
    return known({
      timestamp: sample.bootRealtime + (counters?.at ?? 0),
      cpus_user_time_secs: usage?.user ?? counters?.cpu,
      // Who tells no parts tells the whole as the first.
      cpus_system_time_secs: usage?.system ?? (counters?.cpu === null ? null : 0),
      cpus_nr_periods: usage?.periods,
      cpus_nr_throttled: usage?.throttled_periods,
      cpus_throttled_time_secs: counters?.throttled,
      mem_anon_bytes: usage?.anonymous,
      mem_rss_bytes: usage?.anonymous,
      mem_file_bytes: usage?.file,
      mem_cache_bytes: usage?.file,
      mem_mapped_file_bytes: usage?.mapped,
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
