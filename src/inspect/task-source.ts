import type { CgroupPlace } from '../native/index.js';
import type { Roots } from '../state/roots.js';

/** What inspection has to know of a container; the rest it reads from the kernel. */
export interface InspectedTask {
  id: string;
  name: string;
  image: string | null;
  /** On its network, and what of the host leads to it, as people read it. */
  address?: string | null;
  ports?: string | null;
  zone: string | null;
  state: 'created' | 'running' | 'paused' | 'exited' | 'lost';
  /** The first process, on the host; its start in clock ticks since boot (field 22 of /proc/PID/stat). */
  pid: number | null;
  pidStartTime: number | null;
  /** Why it has ended as it did, where that needs words. */
  endReason?: string | null;
  /** The task that holds what it shares with others of a pod; its own id for that one itself. */
  pod?: string | null;
  /** Its network is not the host's. */
  ownNetwork?: boolean;
  /** RFC 3339. */
  startedAt: string | null;
  cgroup: {
    /** The directory whose cgroup.procs, with those below, lists the processes; null: follow the pid namespace. */
    procs: string | null;
    /** Where each controller accounts for the task, by the controller's name. */
    controllers: Record<string, CgroupPlace>;
  };
}

/** Is its program there, at work or held? */
export function isUp({ state }: InspectedTask): boolean {
  return state === 'running' || state === 'paused';
}

/** Every container of one installation, running or not. */
export type ListTasks = (roots: Roots) => InspectedTask[];
