import { HttpError } from '../../http/http-error.js';
import type {
  MasterCall,
  MasterResponse,
  MasterResponseGetAgents,
  MasterResponseGetExecutors,
  MasterResponseGetFrameworks,
  MasterResponseGetState,
  MasterResponseGetTasks,
  Operation,
  QuotaQuotaConfig,
  Role,
  Task,
} from '../../mesos/messages.js';
import { Resources } from '../../mesos/resources/resources.js';
import { version } from '../../version.js';
import { agentView } from '../agents/view.js';
import type { Quantities } from '../allocator/quotas.js';
import type { Cluster } from '../cluster.js';
import { frameworkView } from '../frameworks.js';
import type { OperationRecord } from '../model/operation-record.js';
import { metricsOf } from './gauges.js';

type View = (cluster: Cluster, call: MasterCall) => Omit<MasterResponse, 'type'>;

/** What an operator can ask. */
export const views: Partial<Record<NonNullable<MasterCall['type']>, View>> = {
  GET_HEALTH: () => ({ get_health: { healthy: true } }),
  GET_FLAGS: (cluster) => ({ get_flags: { flags: flagsOf(cluster) } }),
  GET_VERSION: () => ({ get_version: { version_info: { version } } }),
  GET_METRICS: (cluster) => ({
    get_metrics: {
      metrics: Object.entries(metricsOf(cluster)).map(([name, value]) => ({ name, value })),
    },
  }),
  GET_LOGGING_LEVEL: () => ({ get_logging_level: { level: 0 } }),
  GET_STATE: (cluster) => ({ get_state: stateOf(cluster) }),
  GET_AGENTS: (cluster) => ({ get_agents: agentsOf(cluster) }),
  GET_FRAMEWORKS: (cluster) => ({ get_frameworks: frameworksOf(cluster) }),
  GET_EXECUTORS: (cluster) => ({ get_executors: executorsOf(cluster) }),
  GET_TASKS: (cluster) => ({ get_tasks: tasksOf(cluster) }),
  GET_OPERATIONS: (cluster) => ({
    get_operations: { operations: [...cluster.operations.values()].map(operationView) },
  }),
  GET_ROLES: (cluster) => ({ get_roles: { roles: rolesOf(cluster) } }),
  GET_WEIGHTS: (cluster) => ({
    get_weights: { weight_infos: [...cluster.weights].map(([role, weight]) => ({ role, weight })) },
  }),
  GET_MASTER: (cluster) => ({
    get_master: {
      master_info: cluster.info,
      start_time: cluster.startTime,
      elected_time: cluster.startTime,
    },
  }),
  GET_MAINTENANCE_STATUS: (cluster) => ({ get_maintenance_status: { status: cluster.maintenance.status } }),
  GET_MAINTENANCE_SCHEDULE: (cluster) => ({
    get_maintenance_schedule: { schedule: cluster.maintenance.schedule },
  }),
  GET_QUOTA: (cluster) => ({ get_quota: { status: { configs: quotasOf(cluster) } } }),
  LIST_FILES: () => {
    throw new HttpError(404, 'The master publishes no files');
  },
  READ_FILE: () => {
    throw new HttpError(404, 'The master publishes no files');
  },
};

export function stateOf(cluster: Cluster): MasterResponseGetState {
  return {
    get_tasks: tasksOf(cluster),
    get_executors: executorsOf(cluster),
    get_frameworks: frameworksOf(cluster),
    get_agents: agentsOf(cluster),
  };
}

export function flagsOf({ config }: Cluster): { name: string; value: string }[] {
  return [
    { name: 'ip', value: config.host },
    { name: 'port', value: String(config.port) },
    { name: 'hostname', value: config.hostname },
    { name: 'cluster', value: config.cluster },
    { name: 'work_dir', value: config.folder },
    { name: 'agent_ping_timeout', value: `${config.agentTimeout}secs` },
    { name: 'agent_reregister_timeout', value: `${config.reregisterTimeout}secs` },
  ];
}

function agentsOf(cluster: Cluster): MasterResponseGetAgents {
  const all = [...cluster.agents.values()];
  return {
    agents: all.filter((agent) => agent.stored.state === 'registered').map(agentView),
    recovered_agents: all.filter((agent) => agent.stored.state === 'recovered').map(({ info }) => info),
  };
}

function frameworksOf(cluster: Cluster): MasterResponseGetFrameworks {
  return {
    frameworks: [...cluster.frameworks.values()].map(frameworkView),
    completed_frameworks: [...cluster.completedFrameworks.values()].map(frameworkView),
  };
}

function executorsOf(cluster: Cluster): MasterResponseGetExecutors {
  return {
    executors: [...cluster.agents.values()].flatMap((agent) =>
      [...agent.executors.values()].map(({ info }) => ({
        executor_info: info,
        agent_id: { value: agent.id },
      })),
    ),
  };
}

export function tasksOf(cluster: Cluster): MasterResponseGetTasks {
  const [tasks, unreachable, completed]: [Task[], Task[], Task[]] = [[], [], []];
  for (const framework of cluster.frameworks.values()) {
    for (const record of framework.tasks.values())
      (record.unreachableSince === undefined ? tasks : unreachable).push(record.task);
    completed.push(...framework.completed);
  }
  for (const framework of cluster.completedFrameworks.values()) completed.push(...framework.completed);
  return { tasks, unreachable_tasks: unreachable, completed_tasks: completed };
}

/** Every role that a framework has, or that an operator has given a weight or a quota. */
export function rolesOf(cluster: Cluster): Role[] {
  const roles = new Map<string, Role & { allocated: Resources }>();
  const roleNamed = (name: string) => {
    let role = roles.get(name);
    if (role === undefined) {
      role = {
        name,
        weight: cluster.weights.get(name) ?? 1,
        frameworks: [],
        allocated: new Resources(),
      };
      roles.set(name, role);
    }
    return role;
  };
  for (const framework of cluster.frameworks.values())
    for (const name of framework.roles) roleNamed(name).frameworks?.push({ value: framework.id });
  for (const name of [...cluster.weights.keys(), ...cluster.allocator.quotaByRole.keys()]) roleNamed(name);
  for (const agent of cluster.agents.values())
    for (const record of agent.tasks.values())
      if (record.counted) roleNamed(record.role).allocated.add(record.resources);
  for (const offer of cluster.offers.values()) roleNamed(offer.role).allocated.add(offer.resources);
  return [...roles.values()].map(({ allocated, ...role }) => ({ ...role, resources: allocated.toList() }));
}

export function quotasOf(cluster: Cluster): QuotaQuotaConfig[] {
  return [...cluster.allocator.quotaByRole].map(([role, { guarantees, limits }]) => ({
    role,
    guarantees: scalarsOf(guarantees),
    limits: scalarsOf(limits),
  }));
}

function scalarsOf(quantities: Quantities): Record<string, { value: number }> {
  return Object.fromEntries([...quantities].map(([name, amount]) => [name, { value: amount / 1000 }]));
}

function operationView(record: OperationRecord): Operation {
  const { frameworkId, agentId, operation, status, uuid } = record;
  return {
    ...(frameworkId !== undefined && { framework_id: { value: frameworkId } }),
    agent_id: { value: agentId },
    info: operation,
    latest_status: status,
    statuses: record.outcome === undefined ? [] : [status],
    uuid: { value: Buffer.from(uuid, 'hex') },
  };
}
