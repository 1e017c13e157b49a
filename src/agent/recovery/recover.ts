import { rebased } from '../../mesos/resources/rebase.js';
import { currentBootId } from '../../state/live-process.js';
import type { Agent } from '../agent.js';
import { appliedKey, recoveredApplied } from '../master/applied.js';
import type { Recovered } from '../records/records.js';
import { recoveredOrder } from '../task/kill-order.js';
import type { TaskRunner } from '../task/runner.js';
import { Task } from '../task/task.js';
import { heal } from './heal.js';

/** Takes up what the last agent of this root knew and ran. Tasks are untouched by it; nothing is said to anybody yet. */
export async function recover(agent: Agent, { self, frameworks, tasks }: Recovered): Promise<void> {
  agent.id = self?.id;
  agent.drain = self?.drain;
  // It may have been told of others to offer since: a master that has lost its state hears of both.
  agent.checkpointed = self?.resources && rebased(self.resources, agent.resources).toList();
  agent.leaving = self?.leaving === true;
  if (self?.executor_port !== undefined) agent.doors.port = self.executor_port;
  agent.volumes.sweep();
  for (const applied of recoveredApplied(agent.records.store))
    agent.applied.set(appliedKey(applied.order), applied);
  for (const framework of frameworks) agent.frameworks.set(framework.id?.value ?? '', framework);
  const living = new Map<TaskRunner, Task[]>();
  let ofOtherBoots = 0;
  for (const { document, progress, updates } of tasks) {
    const framework = agent.frameworks.get(document.framework_id) ?? {
      user: 'root',
      name: '',
      id: { value: document.framework_id },
    };
    const runner = agent.runners.find((each) => each.takes(document.info)) ?? agent.commands;
    const task = new Task(document, framework, runner);
    task.state = progress.state;
    task.updates.push(...updates);
    task.acknowledged.push(...(progress.acknowledged ?? []));
    task.latest = updates.at(-1)?.status;
    task.kill = progress.kill && recoveredOrder(progress.kill);
    task.forwarded = updates[0]?.status.state ?? progress.state;
    agent.add(task);
    if (task.ended) continue;
    if (document.boot_id !== currentBootId()) ofOtherBoots++;
    const its = living.get(runner);
    if (its === undefined) living.set(runner, [task]);
    else its.push(task);
  }
  if (ofOtherBoots > 0)
    agent.note(`this host has been started anew: the containers of ${ofOtherBoots} tasks are gone`);
  // Their parents' ends take them along.
  await agent.nested.recover();
  await Promise.all(agent.runners.map((runner) => runner.recover(living.get(runner) ?? [])));
  agent.commands.discardEnded();
  await agent.nested.settle();
  await heal(agent);
  agent.saveSelf();
  await agent.durable();
}
