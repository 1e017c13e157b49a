import type { Agent } from '../agent.js';
import { agentPlace } from '../container/workload.js';
import { doorSocket, hostEndpoint } from './doors.js';
import type { Executor } from './executor.js';

/** What an executor learns about where it is, as the reference has it. What its own command says goes before it. `onHost`: it is on the host's network. */
export function executorVariables(
  agent: Agent,
  { id, frameworkId, containerId, record }: Executor,
  onHost: boolean,
): Record<string, string> {
  const { config } = agent;
  const endpoint = onHost ? hostEndpoint(agent) : agent.endpoint;
  const checkpoint = record.framework.checkpoint === true;
  return {
    MESOS_FRAMEWORK_ID: frameworkId,
    MESOS_EXECUTOR_ID: id,
    MESOS_SLAVE_ID: agent.id ?? '',
    MESOS_AGENT_ID: agent.id ?? '',
    MESOS_CONTAINER_ID: containerId,
    MESOS_SLAVE_PID: `slave(1)@${endpoint}`,
    MESOS_AGENT_ENDPOINT: endpoint,
    MESOS_CHECKPOINT: checkpoint ? '1' : '0',
    MESOS_HTTP_COMMAND_EXECUTOR: '0',
    MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD: duration(shutdownGrace(agent, record)),
    MESOS_EXECUTOR_AUTHENTICATION_TOKEN: record.token,
    LIBPROCESS_PORT: '0',
    ...(agent.doors.folder !== undefined && { MESOS_DOMAIN_SOCKET: `${agentPlace}/${doorSocket}` }),
    ...(checkpoint && {
      MESOS_RECOVERY_TIMEOUT: duration(config.executorRecovery),
      MESOS_SUBSCRIPTION_BACKOFF_MAX: duration(config.executorReregistration),
    }),
  };
}

/** Seconds that it has to end its tasks. */
export function shutdownGrace(
  { config }: Pick<Agent, 'config'>,
  { info }: Pick<Executor['record'], 'info'>,
): number {
  const own = info.shutdown_grace_period?.nanoseconds;
  return own === undefined ? config.executorShutdownGrace : own / 1e9;
}

/** As the reference writes durations: a number and its largest unit that leaves no more than a fraction. */
export function duration(seconds: number): string {
  for (const [unit, length] of units) {
    const count = seconds / length;
    if (count >= 1 && Number.isInteger(Math.round(count * 1e6) / 1e6))
      return `${Math.round(count * 1e6) / 1e6}${unit}`;
  }
  return `${Math.round(seconds * 1e9)}ns`;
}

const units = [
  ['weeks', 604_800],
  ['days', 86_400],
  ['hrs', 3600],
  ['mins', 60],
  ['secs', 1],
  ['ms', 1e-3],
  ['us', 1e-6],
] as const;
