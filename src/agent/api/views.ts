import type {
  AgentCall,
  AgentResponse,
  AgentResponseGetFrameworks,
  AgentResponseGetFrameworksFramework,
  AgentResponseGetState,
  AgentResponseGetTasks,
} from '../../mesos/messages.js';
import { version } from '../../version.js';
import type { Agent } from '../agent.js';
import { operationView } from '../master/applied.js';
import { subscriptionOf, taskMessage } from '../master/subscription.js';
import type { Task } from '../task/task.js';
import { containersOf } from './containers.js';
import type { ApiContext } from './context.js';
import { executorsOf } from './executors.js';
import { metricsOf } from './gauges.js';
import { required } from './required.js';

type View = (
  context: ApiContext,
  call: AgentCall,
) => Omit<AgentResponse, 'type'> | Promise<Omit<AgentResponse, 'type'>>;

/** What an operator can ask. */
export const views: Partial<Record<NonNullable<AgentCall['type']>, View>> = {
  GET_HEALTH: () => ({ get_health: { healthy: true } }),
  GET_FLAGS: (context) => ({ get_flags: { flags: flagsOf(context) } }),
  GET_VERSION: () => ({ get_version: { version_info: { version } } }),
  GET_METRICS: (context) => ({
    get_metrics: { metrics: Object.entries(metricsOf(context)).map(([name, value]) => ({ name, value })) },
  }),
  GET_LOGGING_LEVEL: () => ({ get_logging_level: { level: 0 } }),
  GET_STATE: (context) => ({ get_state: stateOf(context) }),
  GET_AGENT: ({ agent }) => ({
    get_agent: {
      agent_info: subscriptionOf(agent).agent_info,
      ...(agent.drain !== undefined && { drain_config: agent.drain }),
    },
  }),
  GET_TASKS: (context) => ({ get_tasks: tasksOf(context) }),
  GET_EXECUTORS: (context) => ({ get_executors: stateOf(context).get_executors ?? {} }),
  GET_FRAMEWORKS: (context) => ({ get_frameworks: stateOf(context).get_frameworks ?? {} }),
  GET_OPERATIONS: ({ agent }) => ({
    get_operations: { operations: [...agent.applied.values()].map(operationView) },
  }),
  GET_RESOURCE_PROVIDERS: () => ({ get_resource_providers: { resource_providers: [] } }),
  GET_CONTAINERS: async (context, call) => ({
    get_containers: { containers: await containersAsked(context, call) },
  }),
  LIST_FILES: async ({ files }, call) => {
    const { path } = required(call, 'list_files');
    const found = await files.list(path);
    return {
      list_files: {
        file_infos: found.map(({ path, size, mtime, mode, nlink, uid, gid }) => ({
          ...{ path, size, mode, nlink },
          mtime: { nanoseconds: Math.round(mtime * 1e6) },
          uid: String(uid),
          gid: String(gid),
        })),
      },
    };
  },
  READ_FILE: async ({ files }, call) => {
    const { path, offset, length } = required(call, 'read_file');
    return { read_file: await files.read(path, offset, length) };
  },
};

export function containersAsked(context: ApiContext, { get_containers: asked }: AgentCall) {
  return containersOf(context, {
    standalone: asked?.show_standalone === true,
    nested: asked?.show_nested === true,
  });
}

export function stateOf(context: ApiContext): AgentResponseGetState {
  const { agent, history } = context;
  return {
    get_tasks: tasksOf(context),
    get_executors: {
      executors: executorsOf([...agent.tasks.values()]),
      completed_executors: executorsOf(history.completed),
    },
    get_frameworks: frameworksOf(context),
  };
}

export function frameworksOf({ agent, history }: ApiContext): AgentResponseGetFrameworks {
  const frameworks = new Map<string, AgentResponseGetFrameworksFramework>();
  for (const [id, framework_info] of agent.frameworks) frameworks.set(id, { framework_info });
  const completed = new Map<string, AgentResponseGetFrameworksFramework>();
  for (const { frameworkId, framework } of history.completed)
    if (!frameworks.has(frameworkId)) completed.set(frameworkId, { framework_info: framework });
  return { frameworks: [...frameworks.values()], completed_frameworks: [...completed.values()] };
}

/** By what has become of each. */
export function tasksByPhase({ tasks }: Pick<Agent, 'tasks'>) {
  const phases = { queued: [] as Task[], launched: [] as Task[], terminated: [] as Task[] };
  for (const task of tasks.values())
    phases[task.ended ? 'terminated' : task.state === 'TASK_STAGING' ? 'queued' : 'launched'].push(task);
  return phases;
}

export function tasksOf({ agent, history }: ApiContext): AgentResponseGetTasks {
  const { queued, launched, terminated } = tasksByPhase(agent);
  return {
    pending_tasks: [],
    queued_tasks: queued.map(taskMessage),
    launched_tasks: launched.map(taskMessage),
    terminated_tasks: terminated.map(taskMessage),
    completed_tasks: history.completed.map(taskMessage),
  };
}

/** Nothing of it is a secret. */
export function flagsOf({ agent }: ApiContext): { name: string; value: string }[] {
  const { config } = agent;
  const master = config.masters.map((each) => each.replace(/\/\/[^/@]*@/, '//')).join(',');
  return [
    { name: 'master', value: master },
    { name: 'hostname', value: config.hostname },
    { name: 'ip', value: config.host },
    { name: 'port', value: agent.endpoint.split(':').at(-1) ?? '' },
    { name: 'work_dir', value: config.folder },
    { name: 'sandbox_directory', value: config.sandboxes },
    { name: 'attributes', value: config.attributes },
    { name: 'resources', value: config.resources },
    { name: 'executor_shutdown_grace_period', value: `${config.killGrace}secs` },
  ];
}
