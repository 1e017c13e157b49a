import type { Attribute, FrameworkInfo, Role, Task } from '../../mesos/messages.js';
import { amountOf } from '../../mesos/resources/amount.js';
import { reservedRole } from '../../mesos/resources/identity.js';
import { amountText, Resources } from '../../mesos/resources/resources.js';
import { version } from '../../version.js';
import { usedOf } from '../agents/view.js';
import type { Cluster } from '../cluster.js';
import type { Agent } from '../model/agent.js';
import type { Framework } from '../model/framework.js';
import { flagsOf } from './views.js';

// The forms of the older endpoints: ids are bare texts, agents are slaves, amounts are members of one object.

type Amounts = Record<string, number | string>;

/** Scalars as numbers, always with these four; ranges as `[31000-31001]`. */
function amounts(resources: Resources): Amounts {
  const result: Amounts = { disk: 0, mem: 0, gpus: 0, cpus: 0 };
  for (const resource of resources.toList()) {
    const amount = amountOf(resource);
    if (amount.kind === 'SCALAR')
      result[resource.name] = Number(result[resource.name] ?? 0) + amount.thousandths / 1000;
    else result[resource.name] = amountText(amount);
  }
  return result;
}

/** By role. */
function reserved(total: Resources): Record<string, Amounts> {
  const roles = new Set(total.toList().flatMap((each) => reservedRole(each) ?? []));
  return Object.fromEntries(
    [...roles].map((role) => [role, amounts(total.filter((identity) => reservedRole(identity) === role))]),
  );
}

const seconds = (nanoseconds: number | undefined) =>
  nanoseconds === undefined ? undefined : nanoseconds / 1e9;

export function stateHead(cluster: Cluster) {
  const { info, config } = cluster;
  const agents = [...cluster.agents.values()];
  const present = agents.filter((agent) => agent.stored.state === 'registered');
  return {
    version,
    start_time: cluster.startTime,
    elected_time: cluster.startTime,
    id: info.id,
    pid: info.pid,
    hostname: info.hostname,
    capabilities: (info.capabilities ?? []).map(({ type }) => type),
    activated_slaves: present.filter((agent) => agent.connected && agent.usable).length,
    deactivated_slaves: present.filter((agent) => !agent.connected || !agent.usable).length,
    unreachable_slaves: agents.filter((agent) => agent.stored.state === 'unreachable').length,
    leader: info.pid,
    leader_info: { id: info.id, pid: info.pid, port: info.port, hostname: info.hostname },
    cluster: config.cluster,
    flags: Object.fromEntries(flagsOf(cluster).map(({ name, value }) => [name, value])),
  };
}

export function slavePage(agent: Agent) {
  const { stored, info } = agent;
  const offered = Resources.sum([...agent.offers].map((offer) => offer.resources));
  return {
    id: agent.id,
    hostname: info.hostname,
    port: info.port ?? 5051,
    pid: `slave(1)@${agent.address}`,
    attributes: Object.fromEntries((info.attributes ?? []).map((each) => [each.name, attributeText(each)])),
    registered_time: seconds(stored.registered_time),
    reregistered_time: seconds(stored.reregistered_time),
    resources: amounts(agent.total),
    used_resources: amounts(usedOf(agent)),
    offered_resources: amounts(offered),
    reserved_resources: reserved(agent.total),
    unreserved_resources: amounts(agent.total.unreserved),
    active: agent.connected && agent.usable,
    deactivated: !agent.usable,
    version: stored.version,
    capabilities: stored.capabilities.map(({ type }) => type),
  };
}

function attributeText({ scalar, text, ranges, set, type }: Attribute): string | number {
  if (type === 'SCALAR') return scalar?.value ?? 0;
  if (type === 'TEXT') return text?.value ?? '';
  return amountText(amountOf({ name: '', type, ranges, set }));
}

/** `executors`: its own, over all agents. */
export function frameworkPage(framework: Framework, executors: readonly ExecutorPage[] = []) {
  const { info, stored } = framework;
  const records = [...framework.tasks.values()];
  const used = Resources.sum(records.filter((each) => each.counted).map((each) => each.resources));
  const offered = Resources.sum([...framework.offers].map((offer) => offer.resources));
  return {
    id: framework.id,
    name: info.name,
    user: info.user,
    ...roleMembers(info, framework),
    hostname: info.hostname ?? '',
    webui_url: info.webui_url,
    principal: info.principal,
    failover_timeout: info.failover_timeout ?? 0,
    checkpoint: info.checkpoint ?? false,
    capabilities: (info.capabilities ?? []).map(({ type }) => type),
    registered_time: seconds(stored.registered_time),
    reregistered_time: seconds(stored.reregistered_time),
    unregistered_time: seconds(stored.unregistered_time) ?? 0,
    active: framework.connected,
    connected: framework.connected,
    recovered: framework.recovered,
    resources: amounts(used.clone().add(offered)),
    used_resources: amounts(used),
    offered_resources: amounts(offered),
    tasks: records.filter((each) => each.unreachableSince === undefined).map(({ task }) => taskPage(task)),
    unreachable_tasks: records
      .filter((each) => each.unreachableSince !== undefined)
      .map(({ task }) => taskPage(task)),
    completed_tasks: framework.completed.map(taskPage),
    offers: [...framework.offers].map((offer) => ({
      id: offer.id,
      framework_id: framework.id,
      slave_id: offer.agent.id,
      resources: amounts(offer.resources),
    })),
    executors,
  };
}

type ExecutorPage = ReturnType<typeof executorPages>[number];

/** Of all frameworks. */
export function executorPages(cluster: Cluster) {
  return [...cluster.agents.values()].flatMap((agent) =>
    [...agent.executors.values()].map(({ frameworkId, info, resources }) => ({
      executor_id: info.executor_id.value,
      name: info.name ?? '',
      source: info.source ?? '',
      framework_id: frameworkId,
      slave_id: agent.id,
      type: info.type ?? 'CUSTOM',
      resources: amounts(resources),
    })),
  );
}

function roleMembers(info: FrameworkInfo, framework: Framework) {
  return framework.can('MULTI_ROLE') ? { roles: info.roles ?? [] } : { role: info.role ?? '*' };
}

export function taskPage(task: Task) {
  return {
    id: task.task_id.value,
    name: task.name,
    framework_id: task.framework_id.value,
    executor_id: task.executor_id?.value ?? '',
    slave_id: task.agent_id.value,
    state: task.state,
    resources: amounts(Resources.of(task.resources ?? [])),
    role: task.resources?.[0]?.allocation_info?.role ?? '*',
    statuses: (task.statuses ?? []).map(
      ({ state, timestamp, container_status, healthy, message, reason }) => ({
        state,
        timestamp,
        container_status,
        healthy,
        message,
        reason,
      }),
    ),
    labels: task.labels?.labels,
    discovery: task.discovery,
    container: task.container,
    user: task.user,
  };
}

export function rolePage({ name, weight, frameworks = [], resources = [] }: Role) {
  return {
    name,
    weight,
    frameworks: frameworks.map(({ value }) => value),
    resources: amounts(Resources.of(resources)),
  };
}
