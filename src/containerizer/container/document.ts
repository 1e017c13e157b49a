import type { Attachment } from '../network/document.js';
import type { CgroupPlaces } from './cgroup-places.js';

/**
 * `container.json`: what a container was asked to be. Written once, into the volatile state of each and also into the durable folder of those that
 * stay after their end. `format` counts incompatible changes.
 */
export interface ContainerDocument {
  format: 1;
  id: string;
  name: string;
  /** As the caller named it. */
  image: string;
  manifest_digest: string;
  command: string[];
  /** RFC 3339. */
  created_at: string;
  remove: boolean;
  /** `none`, `host`, or the name of a network. */
  network: string;
  /** What it has of that network. Missing from documents of berth 0.1's first days. */
  attachment?: Attachment | null;
  hostname: string;
  user: string;
  /** The first host id of its range, or null with the host's own ids. */
  first_id: number | null;
  stop_signal: string;
  /** Seconds; null: berth's default. */
  stop_timeout: number | null;
  /** The image's, and the caller's over them. */
  labels: Record<string, string>;
  /** private, shareable, none, host, or `container:ID`. */
  ipc: string;
  limits: { memory: number | null; pids: number | null; cpus: number | null };
  volumes: { source: string; target: string; readonly: boolean }[];
  cgroup: { layout: string; procs: string | null; controllers: Record<string, string> };
  cgroup_places: CgroupPlaces;
}

/** `state.json`, written by the supervisor when the program runs. Start times are clock ticks since boot. */
export interface StateDocument {
  format: 1;
  boot_id: string;
  supervisor: { pid: number; start_time: number };
  task: { pid: number; start_time: number };
  started_at: string;
}

/** `exit.json`, written by the supervisor at the end, or by whoever finds that the supervisor is gone (`reason`). */
export interface ExitDocument {
  format: 1;
  /** As a shell has it: 128 + N when killed by signal N. */
  status: number;
  signal: number | null;
  oom_killed: boolean;
  finished_at: string;
  log_bytes_dropped: number;
  reason?: string;
}
