import type { CheckInfo, ExecutorInfo, HealthCheck, TaskInfo } from '../../mesos/messages.js';
import { Resources } from '../../mesos/resources/resources.js';
import { invalidResources } from '../../mesos/resources/validate.js';
import type { Agent } from '../model/agent.js';
import { executorKey } from '../model/agent.js';
import type { Framework } from '../model/framework.js';
import { invalidId, tooLong } from './validate-framework.js';

/** Why a task cannot be launched with what is left of its offers; undefined: it can. In the order of the reference. */
export function invalidTask(
  framework: Framework,
  agent: Agent,
  task: TaskInfo,
  left: Resources,
  inGroup?: ExecutorInfo,
): string | undefined {
  const id = task.task_id.value;
  const badId = invalidId(id);
  if (badId !== undefined) return `TaskID '${id}' is invalid: ${badId}`;
  const long = tooLong('mesos.v1.TaskInfo', task);
  if (long !== undefined) return `Task ${long}`;
  if (framework.tasks.has(id)) return `Task has duplicate ID: ${id}`;
  if (task.agent_id.value !== agent.id)
    return `Task uses invalid agent ${task.agent_id.value} while agent ${agent.id} is expected`;
  const grace = task.kill_policy?.grace_period?.nanoseconds ?? 0;
  if (grace < 0) return "Task's 'kill_policy.grace_period' must be non-negative";
  if ((task.max_completion_time?.nanoseconds ?? 0) < 0)
    return "Task's 'max_completion_time' must be non-negative";
  const check = invalidHealthCheck(task.health_check);
  if (check !== undefined) return `Task uses invalid health check: ${check}`;
  const other = invalidCheck(task.check);
  if (other !== undefined) return `Task uses invalid check: ${other}`;
  const amounts = invalidResources(task.resources ?? []);
  if (amounts !== undefined) return `Task uses invalid resources: ${amounts}`;
  if (Resources.of(task.resources ?? []).isEmpty) return 'Task uses no resources';
  return (
    invalidLimits(task) ??
    (inGroup === undefined ? invalidExecutor(framework, agent, task) : invalidInGroup(task)) ??
    tooMuch(framework, agent, task, left)
  );
}

/** Why the executor of a task group cannot be taken; undefined: it can. */
export function invalidGroupExecutor(framework: Framework, agent: Agent, executor: ExecutorInfo) {
  if (executor.type === undefined || executor.type === 'UNKNOWN') return "'ExecutorInfo.type' must be set";
  if (executor.type === 'DEFAULT' && executor.command !== undefined)
    return "'ExecutorInfo.command' must not be set for 'DEFAULT' executor";
  return invalidExecutorInfo(framework, agent, executor);
}

function invalidExecutor(framework: Framework, agent: Agent, task: TaskInfo): string | undefined {
  if ((task.executor === undefined) === (task.command === undefined))
    return 'Task should have at least one (but not both) of CommandInfo or ExecutorInfo present';
  if (task.executor === undefined) return invalidCommand(task.command);
  const { executor } = task;
  if (executor.type === 'DEFAULT') return "A task outside a group must not use the 'DEFAULT' executor";
  if (executor.command === undefined) return "'ExecutorInfo.command' must be set for 'CUSTOM' executor";
  return invalidExecutorInfo(framework, agent, executor);
}

function invalidInGroup(task: TaskInfo): string | undefined {
  if (task.executor !== undefined) return "'TaskInfo.executor' must not be set in a task group";
  if (task.container?.type === 'DOCKER') return 'Docker ContainerInfo is not supported on tasks of a group';
  if ((task.container?.network_infos ?? []).length > 0)
    return 'NetworkInfos must not be set on a task of a group';
  return undefined;
}

function invalidExecutorInfo(framework: Framework, agent: Agent, executor: ExecutorInfo): string | undefined {
  const long = tooLong('mesos.v1.ExecutorInfo', executor);
  if (long !== undefined) return `Executor ${long}`;
  const badId = invalidId(executor.executor_id.value);
  if (badId !== undefined) return `ExecutorID is invalid: ${badId}`;
  if (executor.framework_id !== undefined && executor.framework_id.value !== framework.id)
    return `ExecutorInfo has an invalid FrameworkID (Actual: ${executor.framework_id.value} vs Expected: ${framework.id})`;
  if ((executor.shutdown_grace_period?.nanoseconds ?? 0) < 0)
    return "ExecutorInfo's 'shutdown_grace_period' must be non-negative";
  const amounts = invalidResources(executor.resources ?? []);
  if (amounts !== undefined) return `Executor uses invalid resources: ${amounts}`;
  const known = agent.executors.get(executorKey(framework.id, executor.executor_id.value));
  return known === undefined || sameExecutor(known.info, executor)
    ? undefined
    : `ExecutorInfo is not compatible with existing ExecutorInfo with same ExecutorID '${executor.executor_id.value}'`;
}

/** Equal but for the framework's id, which some leave out, and for who each resource is allocated to. */
function sameExecutor(a: ExecutorInfo, b: ExecutorInfo): boolean {
  const bare = ({ framework_id: _, resources, ...rest }: ExecutorInfo) =>
    JSON.stringify({ ...rest, resources: undefined }, sortedMembers) +
    Resources.of(resources ?? []).toString();
  return bare(a) === bare(b);
}

function sortedMembers(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function invalidCommand(command: TaskInfo['command']): string | undefined {
  for (const { name, type, value, secret } of command?.environment?.variables ?? []) {
    if (name === '') return "an environment variable's name is empty";
    if (type === 'SECRET' ? secret === undefined || value !== undefined : secret !== undefined)
      return `environment variable '${name}' has a value or a secret that its type does not go with`;
  }
  return undefined;
}

function invalidHealthCheck(check: HealthCheck | undefined): string | undefined {
  if (check === undefined) return undefined;
  const { type, command, http, tcp } = check;
  // Frameworks of before 1.2 name no type.
  if (type === undefined && [command, http, tcp].every((each) => each === undefined))
    return 'Expecting type to be set';
  return invalidKind(check) ?? invalidTimes(check, check.grace_period_seconds);
}

function invalidCheck(check: CheckInfo | undefined): string | undefined {
  if (check === undefined) return undefined;
  if (check.type === undefined) return 'Expecting type to be set';
  return invalidKind(check) ?? invalidTimes(check);
}

function invalidKind({ type, command, http, tcp }: HealthCheck | CheckInfo): string | undefined {
  if (type === 'UNKNOWN') return "'UNKNOWN' is not a valid check type";
  if (type === 'COMMAND' && command === undefined) return 'Expecting command to be set';
  if (type === 'HTTP' && http === undefined) return 'Expecting http to be set';
  return type === 'TCP' && tcp === undefined ? 'Expecting tcp to be set' : undefined;
}

function invalidTimes(
  { delay_seconds, interval_seconds, timeout_seconds }: HealthCheck | CheckInfo,
  grace?: number,
): string | undefined {
  const times = [delay_seconds, interval_seconds, timeout_seconds, grace];
  return times.some((time) => time !== undefined && !(time >= 0))
    ? 'Expecting its times to be non-negative'
    : undefined;
}

function invalidLimits(task: TaskInfo): string | undefined {
  const resources = Resources.of(task.resources ?? []);
  for (const [name, { value }] of Object.entries(task.limits ?? {})) {
    if (name !== 'cpus' && name !== 'mem') return `Resource limit of '${name}' is not supported`;
    if (Math.round(value * 1000) < resources.scalar(name))
      return `The ${name} limit (${value}) is less than its request (${resources.scalar(name) / 1000})`;
  }
  return undefined;
}

function tooMuch(framework: Framework, agent: Agent, task: TaskInfo, left: Resources): string | undefined {
  const wanted = Resources.of(task.resources ?? []);
  const { executor } = task;
  if (executor !== undefined && !agent.executors.has(executorKey(framework.id, executor.executor_id.value)))
    wanted.add(Resources.of(executor.resources ?? []));
  return left.contains(wanted) ? undefined : `Task uses more resources ${wanted} than available ${left}`;
}
