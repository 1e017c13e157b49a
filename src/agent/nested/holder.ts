import { holderOf as namedContainer } from '../../containerizer/container/name-links.js';
import type { ContainerID } from '../../mesos/messages.js';
import type { Agent } from '../agent.js';
import type { SandboxPlace } from '../sandbox/place.js';
import { standalonePlace } from '../standalone/launch.js';

/** A container that others may be below. */
export interface Holder {
  containerId: string;
  /** Of the container that no other holds: itself, if none does. */
  root: string;
  /** The root's sandbox, and the folders from there to its own. */
  place: SandboxPlace;
  folders: string[];
  /** Of its framework. */
  user: string;
}

/** By the id that the API calls it by: that of a task's or an executor's container, whatever is above it, the name of one of nobody in the cluster, or one below these. */
export function holderOf(agent: Agent, { value, parent }: ContainerID): Holder | undefined {
  const root = rootOf(agent, value);
  if (root !== undefined) return { ...root, root: root.containerId, folders: [] };
  if (parent === undefined) return undefined;
  const above = holderOf(agent, parent);
  const nested = above && agent.nested.find(above.containerId, value);
  if (nested === undefined) return undefined;
  const { container_id: containerId, ...record } = nested.record;
  return {
    containerId,
    root: record.root,
    place: record.place,
    folders: record.folders,
    user: above?.user ?? '',
  };
}

function rootOf(agent: Agent, id: string): Pick<Holder, 'containerId' | 'place' | 'user'> | undefined {
  for (const { containerId, frameworkId, id: executorId, record } of agent.executors.all())
    if (containerId === id) {
      const place = { agentId: agent.id ?? '', frameworkId, executorId, containerId };
      return { containerId, place, user: record.framework.user };
    }
  for (const task of agent.tasks.values())
    if (task.containerId === id)
      return { containerId: id, place: agent.placeOf(task), user: task.framework.user };
  const containerId = /^[\w.-]+$/.test(id) ? namedContainer(agent.roots, id) : undefined;
  return containerId === undefined
    ? undefined
    : { containerId, place: standalonePlace(agent, id, containerId), user: 'root' };
}
