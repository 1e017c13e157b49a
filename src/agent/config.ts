import path from 'node:path';
import { defaultCapabilities } from '../containerizer/container/describe/defaults.js';
import { closedDoor, type Door } from '../settings/door.js';
import type { Permissions } from '../settings/permissions.js';
import type { Roots } from '../state/roots.js';

/** How an agent behaves, and where its own API answers. Durations in seconds. */
export interface AgentConfig extends Door {
  /** URLs of masters, tried in turn. */
  masters: string[];
  /** For the master: HTTP basic (`principal` and `secret`), or a token; unset: as a process of root's on this host. */
  masterCredential?: { principal: string; secret: string } | { token: string };
  /** What it is called in the cluster; `''`: as the host was called when it registered. */
  hostname: string;
  /** Which principal may do what at its own API; unset: everybody who is heard everything. */
  permissions?: Permissions;
  /** `cpus:4;mem:8192`, or JSON; what is not named is detected. */
  resources: string;
  /** `rack:a;zone:b`. */
  attributes: string;
  /** Where its state lies. */
  folder: string;
  /** Where the sandboxes of tasks lie. */
  sandboxes: string;
  /** A sandbox is kept so long after its task's end at most; less, the fuller the disk is, of which the second part is to stay free. */
  sandboxKeep: number;
  sandboxHeadroom: number;
  /** An executor must have subscribed so long after its program was started, or after an agent has come back. */
  executorRegistration: number;
  executorReregistration: number;
  /** What it has to end its tasks, where it does not say itself. */
  executorShutdownGrace: number;
  /** What executors are told that an agent may take to come back. */
  executorRecovery: number;
  /** Of a task that is to end, between SIGTERM and SIGKILL, where nobody says another. */
  killGrace: number;
  /** An update that nobody acknowledges is said again after so long, then after twice as long, and so on up to the most. */
  updateRetry: number;
  updateRetryMost: number;
  /** Between attempts to reach a master: the first, and the longest. */
  reconnect: number;
  reconnectMost: number;
  /** Whether `cpus` is also a ceiling; else it is a share, and the ceiling is `limits`. */
  cpuCeiling: boolean;
  /** Whether what a task without an image writes outside its sandbox is refused, or thrown away with the task. */
  hostRoot: 'read-only' | 'discarded';
  /** Folders of the host that volumes of tasks may be of, with all in them. */
  hostVolumes: string[];
  /** Whether frameworks may name images by files and folders of this host. */
  localImages: boolean;
  /** Whether frameworks may have privileged containers. */
  privileged: boolean;
  /** What a task with the host's own ids may have at most, as capabilities(7) calls them. */
  hostCapabilities: string[];
  /** Files of secrets, which no task without an image sees. */
  secretFiles: string[];
  /** Bytes of the longest record of a master. */
  recordLimit: number;
}

export function defaultConfig(roots: Roots): AgentConfig {
  return {
    masters: ['http://127.0.0.1:5050'],
    hostname: '',
    ...closedDoor,
    port: 5051,
    resources: '',
    attributes: '',
    folder: path.join(roots.root, 'agent'),
    sandboxes: path.join(roots.root, 'sandboxes'),
    sandboxKeep: 7 * 24 * 3600,
    sandboxHeadroom: 0.1,
    executorRegistration: 60,
    executorReregistration: 2,
    executorShutdownGrace: 5,
    executorRecovery: 900,
    killGrace: 3,
    updateRetry: 10,
    updateRetryMost: 600,
    reconnect: 0.1,
    reconnectMost: 15,
    cpuCeiling: false,
    hostRoot: 'read-only',
    hostVolumes: ['/data', '/media', '/mnt', '/srv'],
    localImages: false,
    privileged: false,
    hostCapabilities: [...defaultCapabilities],
    secretFiles: [],
    // A message of 32 MiB is longer in base64.
    recordLimit: 64 * 1024 * 1024,
  };
}
