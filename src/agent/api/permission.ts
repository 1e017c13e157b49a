import type { AgentCall, ContainerID } from '../../mesos/messages.js';
import type { agentActions } from '../settings.js';
import type { CallType } from './extension.js';
import { views } from './views.js';

const ofFiles: ReadonlySet<CallType> = new Set(['LIST_FILES', 'READ_FILE']);

/** What a call needs permission for, and with what. */
export function permissionOf(type: CallType, call: AgentCall): [keyof typeof agentActions, string?] {
  if (ofFiles.has(type)) return ['read_sandboxes'];
  if (views[type] !== undefined) return ['view'];
  if (/_NESTED_CONTAINER|^ATTACH_CONTAINER_/.test(type)) return ['enter_containers'];
  if (/^(LAUNCH|WAIT|KILL|REMOVE)_CONTAINER$/.test(type)) {
    // With a parent it is one below another, whatever the call is named.
    if (containerOf(type, call)?.parent !== undefined) return ['enter_containers'];
    return type === 'LAUNCH_CONTAINER'
      ? ['run_containers', call.launch_container?.command?.user || 'root']
      : ['run_containers'];
  }
  return ['operate', type];
}

function containerOf(type: CallType, call: AgentCall): ContainerID | undefined {
  const body = call[type.toLowerCase() as keyof AgentCall] as { container_id?: ContainerID } | undefined;
  return body?.container_id;
}
