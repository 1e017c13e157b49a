import type { AgentCall, AgentCallLaunchContainer, ContainerID } from '../../mesos/messages.js';
import type { agentActions } from '../settings.js';
import type { CallType } from './extension.js';
import { views } from './views.js';

const ofFiles: ReadonlySet<CallType> = new Set(['LIST_FILES', 'READ_FILE']);

/** What is done, and with what. */
export type Need = [action: keyof typeof agentActions, subject?: string];

/** All that a call needs permission for. */
export function needsOf(type: CallType, call: AgentCall): Need[] {
  if (ofFiles.has(type)) return [['read_sandboxes']];
  if (views[type] !== undefined) return [['view']];
  // It has files, volumes and a user of its own, wherever it is.
  if (type === 'LAUNCH_NESTED_CONTAINER')
    return [['enter_containers'], ...usersOf(call.launch_nested_container)];
  if (/_NESTED_CONTAINER|^ATTACH_CONTAINER_/.test(type)) return [['enter_containers']];
  if (/^(LAUNCH|WAIT|KILL|REMOVE)_CONTAINER$/.test(type)) {
    // With a parent it is one below another, whatever the call is named.
    const below: Need[] = containerOf(type, call)?.parent === undefined ? [] : [['enter_containers']];
    if (type === 'LAUNCH_CONTAINER') return [...below, ...usersOf(call.launch_container)];
    return below.length > 0 ? below : [['run_containers']];
  }
  return [['operate', type]];
}

/** Whom a container may come to run as. Where nobody is named it is for the image, or the framework, to say: it may be root. */
function usersOf(asked: Pick<AgentCallLaunchContainer, 'command' | 'container'> = {}): Need[] {
  const { command, container } = asked;
  const flags = (container?.docker?.parameters ?? []).filter(({ key }) => key === 'user');
  const users = [command?.user, ...flags.map(({ value }) => value)];
  return users.map((user) => ['run_containers', user || 'root']);
}

function containerOf(type: CallType, call: AgentCall): ContainerID | undefined {
  const body = call[type.toLowerCase() as keyof AgentCall] as { container_id?: ContainerID } | undefined;
  return body?.container_id;
}
