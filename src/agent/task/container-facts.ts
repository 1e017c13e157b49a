import { readFileSync } from 'node:fs';
import { isVisible, parseMountTable } from '../../containerizer/host/mount-table.js';
import type { Agent } from '../agent.js';
import { hiddenPlaces } from '../container/hidden-places.js';
import type { ContainerFacts } from '../container/workload.js';
import type { Task } from './task.js';

/** What the host and the agent put into the description of a task's container. */
export function containerFacts(
  agent: Agent,
  task: Pick<Task, 'id' | 'frameworkId' | 'executorId' | 'containerId'>,
  sandbox: string,
): ContainerFacts {
  const { config, roots } = agent;
  return {
    sandbox,
    variables: {
      MESOS_TASK_ID: task.id,
      MESOS_FRAMEWORK_ID: task.frameworkId,
      MESOS_EXECUTOR_ID: task.executorId,
      MESOS_SLAVE_ID: agent.id ?? '',
      MESOS_AGENT_ID: agent.id ?? '',
      MESOS_CONTAINER_ID: task.containerId,
      MESOS_AGENT_ENDPOINT: agent.endpoint,
    },
    hostname: config.hostname,
    cpuCeiling: config.cpuCeiling,
    hostRoot: config.hostRoot,
    hostFolders: {
      allowed: config.hostVolumes,
      hidden: hiddenPlaces(roots, config),
    },
    localImages: config.localImages,
    privileged: config.privileged,
    hostCapabilities: config.hostCapabilities,
    systemMounts,
    persistentVolume: (resource) => agent.volumes.folderOf(resource),
  };
}

const system = /^\/(bin|etc|home|lib|lib32|lib64|libx32|opt|root|sbin|srv|usr)(\/|$)/;
const folders = new Set([
  'ext2',
  'ext3',
  'ext4',
  'xfs',
  'btrfs',
  'f2fs',
  'zfs',
  'bcachefs',
  'squashfs',
  'erofs',
]);

/** A task without an image sees the host's root file system, and those of its disks that are mounted in folders of the system. */
function systemMounts(): readonly string[] {
  const text = readFileSync('/proc/self/mountinfo', 'utf8');
  if (text !== last.text) last = { text, folders: systemFolders(text) };
  return last.folders;
}

/** Taken apart only when something was mounted or unmounted since. */
let last: { text: string; folders: readonly string[] } = { text: '', folders: [] };

function systemFolders(text: string): string[] {
  const table = parseMountTable(text);
  const seen = table.filter(
    (mount) => system.test(mount.point) && folders.has(mount.type) && isVisible(mount, table),
  );
  return [...new Set(seen.map(({ point }) => point))];
}
