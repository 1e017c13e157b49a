/** Reading counters of tasks, processes and threads from /proc and cgroups. */
export interface SampleCalls {
  /**
   * Takes two snapshots `intervalSeconds` apart, or with 0 a single one, on a thread of its own. It only reads. What ends
   * meanwhile is absent; a counter that the kernel does not give is NaN in the tables.
   */
  sample(request: SampleRequest): Promise<Sampling>;
}

export interface SampleRequest {
  tasks: SampleTarget[];
  intervalSeconds: number;
  /** Read smaps_rollup of each process (since Linux 4.14): dear, as much as fifty threads. */
  proportionalMemory: boolean;
  /** Tasks as wholes, in place of their processes and threads: swap, disks, network, pressure. */
  usage: boolean;
}

/**
 * A task to look at. Its processes are those of the cgroup directory `procs` and of the cgroups below; with null, those of the
 * pid namespace of process `pid`, if that process started at `startTime` (field 22 of /proc/PID/stat).
 */
export interface SampleTarget {
  pid: number | null;
  startTime: number | null;
  procs: string | null;
  /** By controller; `memory`, `cpu` and `cpuacct` are read, for usage also `pids` and `io` or `blkio`. */
  controllers: Record<string, CgroupPlace>;
  /** Its network is not the host's: for usage, `pid` tells what went over it. */
  ownNetwork: boolean;
  /** Read the I/O counters of each thread too. */
  threadIo: boolean;
}

export interface CgroupPlace {
  directory: string;
  version: 1 | 2;
}

export interface Sampling {
  /** Oldest first. */
  snapshots: SnapshotTables[];
  /** CPU time that the sampling itself took. */
  costCpuSeconds: number;
  /** The time at which CLOCK_BOOTTIME was 0, in seconds of the Unix epoch. */
  bootRealtime: number;
  /** kernel.task_delayacct: without it the kernel does not count waits for block I/O. */
  delayAccounting: boolean;
}

export interface SnapshotTables {
  /** In the order of the request. */
  tasks: CounterTable;
  /** In the same order, where it was asked for. */
  usage?: CounterTable;
  processes: CounterTable & { names: string };
  threads: CounterTable & { names: string };
}

/**
 * Rows of numbers behind each other, `fields` naming their columns (native/sys/sampler.h explains each). Where there are
 * `names`, one a row, each is ended by a NUL, the only byte that no name of a thread holds.
 */
export interface CounterTable {
  fields: string[];
  values: Float64Array;
}
