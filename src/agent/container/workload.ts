import { BerthError } from '../../errors/berth-error.js';
import type { CommandInfo, ContainerInfo, Resource, ValueScalar } from '../../mesos/messages.js';
import type { HostFolders } from './host-folders.js';

/** What is to run in one container: a task's command, or an executor. */
export interface Workload {
  command: CommandInfo;
  container?: ContainerInfo | undefined;
  /** All that the container may use. */
  resources: readonly Resource[];
  /** Above the requests, by name. */
  limits?: Record<string, ValueScalar> | undefined;
  /** Of the framework: who runs it where there is no image and the command names nobody. */
  user: string;
}

/** What of the agent goes into the description of a container. */
export interface ContainerFacts {
  /** The folder of the sandbox on the host. */
  sandbox: string;
  /** That of the executor, whose folders the tasks of a group share; undefined: there is none. */
  parentSandbox?: string | undefined;
  /** The folder with the socket of the agent, for an executor; undefined: there is none. */
  agentDoor?: string | undefined;
  /** Variables that say who and where the task is; the task's own go before them. */
  variables: Record<string, string>;
  /** Of this host. */
  hostname: string;
  cpuCeiling: boolean;
  hostRoot: 'read-only' | 'discarded';
  /** Folders of the host that volumes may be of, and paths that a task must not see. */
  hostFolders: HostFolders;
  /** Whether frameworks may name images by files of this host. */
  localImages: boolean;
  /** Whether frameworks may have privileged containers. */
  privileged: boolean;
  /** What a task with the host's own ids may have at most. */
  hostCapabilities: readonly string[];
  /** System folders of the host that are mounts of their own. */
  systemMounts(): readonly string[];
  /** The folder of a persistent volume, which is there. */
  persistentVolume(resource: Resource): string;
}

/** Where a task finds its sandbox. */
export const sandboxPlace = '/mnt/mesos/sandbox';
/** Where an executor finds the folder of its agent's socket. */
export const agentPlace = '/mnt/mesos/agent';

/** A workload that no container can be made of. */
export function unfit(what: string, why: string, mend?: string): BerthError {
  return new BerthError('USAGE', { what, why, ...(mend !== undefined && { mend }) });
}
