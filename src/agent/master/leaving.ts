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
  if (agent.leaving) return;
  agent.note('the master says that this agent has left for good: its tasks are ended');
  agent.leaving = true;
  agent.saveSelf();
  // Frameworks have been told of their tasks already: a connection would bring a second end of each, and a new id.
  agent.link.close().catch((error) => agent.defect(error));
  endAll(agent);
}

/** Ends what still runs of an agent that has left. Its id goes last: until then the folders of its tasks are found by it. */
export function endAll(agent: Agent): void {
  for (const task of agent.tasks.values()) agent.kill(task, { graceSeconds: 0 });
  for (const runner of agent.runners) runner.shutdownAll?.();
  agent.leaveWhenQuiet();
}
