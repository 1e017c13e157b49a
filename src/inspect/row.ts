import type { Microstates } from './microstates.js';

/** From the whole down to one thread: each row's `parent_id` is the `id` of a row one level up. */
export type Level = 'cluster' | 'node' | 'task' | 'process' | 'thread';

/**
 * One line of inspection, with the same members at every level, in this order. It is the public JSON of `ps`: times as RFC
 * 3339, sizes in bytes, durations in seconds. What the kernel does not give, or the level does not have, is null, never 0.
 * `columns.ts` says what each member means.
 */
export interface Row {
  level: Level;
  id: string;
  name: string;
  parent_id: string | null;
  node: string;
  task_id: string | null;
  zone: string | null;
  image: string | null;
  address: string | null;
  ports: string | null;
  pid: number | null;
  nspid: number | null;
  tid: number | null;
  state: string;
  start_time: string | null;
  uptime_seconds: number | null;
  cpu_percent: number | null;
  cpu_seconds: number | null;
  memory_rss: number | null;
  memory_pss: number | null;
  memory_working_set: number | null;
  memory_limit: number | null;
  threads: number | null;
  processes: number | null;
  fds: number | null;
  io_read_bytes_per_second: number | null;
  io_write_bytes_per_second: number | null;
  faults_major_per_second: number | null;
  switches_voluntary_per_second: number | null;
  switches_involuntary_per_second: number | null;
  microstates: Microstates;
}

/** How the rows came about. */
export interface Sampling {
  interval_seconds: number;
  cost_cpu_seconds: number;
  threads_sampled: number;
  sources: Sources;
}

/** Where each group of figures is from; null: this host does not tell it. */
export interface Sources {
  cpu: string | null;
  run_queue: string | null;
  block_io: string | null;
  memory_stall: string | null;
  throttled: string | null;
  memory: string | null;
}

export interface InspectionDocument {
  sampling: Sampling;
  rows: Row[];
}
