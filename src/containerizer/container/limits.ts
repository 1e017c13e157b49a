import type { RuntimeResources } from '../../oci-spec/runtime.js';

/** What a container may use; what is not said is not limited. Amounts are bytes, -1 takes a limit away. */
export interface ResourceLimits {
  memory?: number;
  /** Memory and swap together; -1: as much swap as there is. Unset: twice the memory, where the host can limit swap. */
  memorySwap?: number;
  /** What is left to the container while the host is short of memory. */
  memoryReservation?: number;
  /** 0 to 100: how readily its memory goes to swap. v1 alone. */
  memorySwappiness?: number;
  /** Processes wait for memory instead of being killed. v1 alone. */
  oomKillDisable?: boolean;
  /** Processes and threads; -1: no limit. Unset: the default, where the host can enforce it. */
  pidsLimit?: number;
  /** CPUs' worth of time, e.g. 1.5. */
  cpus?: number;
  /** Its weight beside others, 2 to 262144; 1024 is usual. */
  cpuShares?: number;
  /** Microseconds of CPU time in each period of `cpuPeriod`; -1: no limit. Instead of `cpus`. */
  cpuQuota?: number;
  cpuPeriod?: number;
  /** Lists such as `0-2,7`. */
  cpusetCpus?: string;
  cpusetMems?: string;
  /** 10 to 1000. */
  blkioWeight?: number;
  io?: IoLimit[];
  /** Files of the container's own v2 cgroup and what to write into them. */
  cgroupConf?: Record<string, string>;
  /** Laid over what all of these come to, member by member: what has no option of its own. */
  resources?: RuntimeResources;
}

/** Rates on one disk, bytes or operations a second; 0: no limit. */
export interface IoLimit {
  /** A path of a block device, or MAJOR:MINOR. */
  device: string;
  rbps?: number;
  wbps?: number;
  riops?: number;
  wiops?: number;
}
