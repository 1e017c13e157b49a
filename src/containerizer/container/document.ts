import type { HealthCommand, RestartPolicy } from '../keeping/wishes.js';
import type { Attachment, PublishedPort } from '../network/document.js';
import type { PodMember } from '../pod/member.js';
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
  /** What an agent is to do for it; missing: nothing. */
  restart?: RestartPolicy;
  healthcheck?: HealthCommand;
  /** `none`, `host`, the name of its first network, or `container:ID`. */
  network: string;
  /** The names of its networks, whether it runs or not. */
  networks: string[];
  /** It holds claims though it has no attachments: those of the container whose network it is on, so that they are nobody else's while it runs, or of networks that it has left. */
  holds_network?: boolean;
  /** What it has of them, or had when it last ran, in the same order. */
  attachments: Attachment[];
  /** Published ports that none of its networks can lead to it; they are still taken. */
  idle_ports?: PublishedPort[];
  hostname: string;
  user: string;
  /** Of a pod. */
  pod?: PodMember;
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
  volumes: {
    source: string;
    target: string;
    readonly: boolean;
    /** Of the store's; null or missing: a folder or file of the host. */
    name?: string | null;
    recursive?: boolean;
    idmap?: boolean;
  }[];
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
  /** Only if it is true. */
  oom?: OomDocument;
  finished_at: string;
  log_bytes_dropped: number;
  reason?: string;
}

/** Whom the kernel killed for want of memory. Null: its log did not tell. */
export interface OomDocument {
  /** How many processes in all; the rest is of the last, or of the container's first process if it was among them. */
  kills: number;
  process: string | null;
  /** On the host. */
  pid: number | null;
  /** Whose limit was met: the container's, that of a cgroup around it, or the host's memory. */
  level: 'container' | 'above' | 'host' | null;
  /** That cgroup, from the root of its hierarchy. */
  cgroup: string | null;
  /** Its limit, in bytes. */
  limit: number | null;
}
