import type { DrainConfig } from '../../mesos/messages.js';
import type { Agent } from '../agent.js';

/** Ends what runs, and takes nothing new until it is reactivated. */
export function drain(agent: Agent, config: DrainConfig): void {
  agent.drain = config;
  agent.saveSelf();
  const most = config.max_grace_period?.nanoseconds;
  for (const task of agent.tasks.values()) {
    const own = task.info.kill_policy?.grace_period?.nanoseconds ?? agent.config.killGrace * 1e9;
    agent.kill(task, {
      reason: 'REASON_AGENT_DRAINING',
      message: 'The agent is draining',
      graceSeconds: (most === undefined ? own : Math.min(own, most)) / 1e9,
    });
  }
}

export function reactivate(agent: Agent): void {
  agent.drain = undefined;
  agent.saveSelf();
}

/** An operator has said that this agent never comes back: what runs ends, nobody is told, and it is nobody any more. */
export function leaveForGood(agent: Agent): void {
  agent.note('the master says that this agent has left for good: its tasks are ended');
  agent.leaving = true;
  agent.id = undefined;
  agent.drain = undefined;
  agent.checkpointed = undefined;
  agent.saveSelf();
  for (const task of agent.tasks.values()) agent.kill(task, { graceSeconds: 0 });
  for (const runner of agent.runners) runner.shutdownAll?.();
  agent.leaveWhenQuiet();
}
