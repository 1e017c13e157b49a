import { randomUUID } from 'node:crypto';
import type { Order, OrderType } from '../../mesos/messages.js';
import type { Agent } from '../agent.js';
import { taskKey } from '../task/task.js';
import { apply, forgetApplied, reportApplied } from './apply.js';
import { drain, leaveForGood, reactivate } from './leaving.js';

type Handler = (agent: Agent, order: Order) => void;

/** What the master wants; what is not known is of a newer one, and passed over. */
export function handleOrder(agent: Agent, order: Order): void {
  handlers[order.type ?? 'UNKNOWN']?.(agent, order);
}

const handlers: Partial<Record<OrderType, Handler>> = {
  SUBSCRIBED(agent, { subscribed }) {
    if (subscribed === undefined) return;
    const id = subscribed.agent_id.value;
    if (agent.id === undefined) agent.note(`registered as ${id} with ${agent.link.master}`);
    else agent.note(`back at ${agent.link.master}`);
    agent.id = id;
    agent.checkpointed = subscribed.checkpointed_resources ?? agent.checkpointed;
    agent.saveSelf();
    if (subscribed.drain_config !== undefined) drain(agent, subscribed.drain_config);
    else if (agent.drain !== undefined) reactivate(agent);
    agent.updates.resend(agent.tasks.values());
    reportApplied(agent);
  },
  RUN(agent, { run }) {
    if (run !== undefined) agent.run(run.framework_info, run.task);
  },
  RUN_GROUP(agent, { run_group }) {
    if (run_group === undefined) return;
    const group = randomUUID();
    for (const task of run_group.task_group.tasks ?? [])
      agent.run(run_group.framework_info, { ...task, executor: run_group.executor }, group);
  },
  KILL(agent, { kill }) {
    if (kill === undefined) return;
    const task = agent.tasks.get(taskKey(kill.framework_id.value, kill.task_id.value));
    const grace = kill.kill_policy?.grace_period?.nanoseconds;
    if (task !== undefined) agent.kill(task, grace === undefined ? {} : { graceSeconds: grace / 1e9 });
    else reportUnknown(agent, kill.framework_id.value, kill.task_id.value);
  },
  ACKNOWLEDGE(agent, { acknowledge }) {
    if (acknowledge === undefined) return;
    const task = agent.tasks.get(taskKey(acknowledge.framework_id.value, acknowledge.task_id.value));
    if (task !== undefined) agent.updates.acknowledge(task, acknowledge.uuid);
  },
  MESSAGE(agent, { message }) {
    if (message === undefined) return;
    for (const runner of agent.runners)
      runner.message?.(message.framework_id.value, message.executor_id.value, message.data);
  },
  SHUTDOWN_EXECUTOR(agent, { shutdown_executor }) {
    if (shutdown_executor === undefined) return;
    const { framework_id, executor_id } = shutdown_executor;
    for (const runner of agent.runners) runner.shutdownExecutor?.(framework_id.value, executor_id.value);
  },
  SHUTDOWN_FRAMEWORK(agent, { shutdown_framework }) {
    for (const task of agent.tasksOf(shutdown_framework?.framework_id.value ?? ''))
      agent.kill(task, { reason: 'REASON_FRAMEWORK_REMOVED', message: 'Its framework was removed' });
    for (const runner of agent.runners)
      runner.shutdownFramework?.(shutdown_framework?.framework_id.value ?? '');
  },
  FRAMEWORK_UPDATED(agent, { framework_updated }) {
    const info = framework_updated?.framework_info;
    const id = info?.id?.value ?? '';
    if (info === undefined || !agent.frameworks.has(id)) return;
    agent.know(info);
    agent.updates.resend(agent.tasksOf(id));
  },
  APPLY(agent, { apply: order }) {
    if (order !== undefined) apply(agent, order);
  },
  ACKNOWLEDGE_OPERATION(agent, { acknowledge_operation }) {
    if (acknowledge_operation !== undefined) forgetApplied(agent, acknowledge_operation.uuid.value);
  },
  DRAIN(agent, { drain: order }) {
    if (order !== undefined) drain(agent, order.config);
  },
  REACTIVATE: (agent) => reactivate(agent),
  SHUTDOWN: (agent) => leaveForGood(agent),
};

/** The master takes it for running, and it does not: it is kept by nobody, so nothing is kept of the update either. */
function reportUnknown(agent: Agent, frameworkId: string, taskId: string): void {
  agent.link.report({
    type: 'UPDATE',
    update: {
      framework_id: { value: frameworkId },
      status: {
        task_id: { value: taskId },
        state: 'TASK_DROPPED',
        source: 'SOURCE_AGENT',
        reason: 'REASON_TASK_UNKNOWN',
        message: 'The agent does not know this task',
        timestamp: Date.now() / 1000,
      },
    },
  });
}
