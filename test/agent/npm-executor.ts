// An executor of npm's mesos-framework, unmodified: what it is told it does at once, and tells of it on stdout. A task named `long` goes on until it is killed.

import { randomBytes } from 'node:crypto';
import type { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';

interface Library extends EventEmitter {
  subscribe(): void;
  update(status: object): void;
  message(data: string): void;
}
type TaskId = { value: string };

const { Executor } = createRequire(import.meta.url)('mesos-framework') as {
  Executor: new (options: object) => Library;
};

// Its handlers are chosen by the number of their arguments.
const handlers = {
  SUBSCRIBED(this: Library, event: { framework_info: { name: string } }) {
    say(`subscribed to ${event.framework_info.name}`);
  },
  LAUNCH(this: Library, { task }: { task: { name: string; task_id: TaskId } }) {
    update(this, task.task_id, 'TASK_RUNNING');
    if (task.name !== 'long') update(this, task.task_id, 'TASK_FINISHED');
  },
  KILL(this: Library, { task_id }: { task_id: TaskId }) {
    update(this, task_id, 'TASK_KILLED');
  },
  ACKNOWLEDGED(this: Library, { task_id }: { task_id: TaskId }) {
    say(`acknowledged ${task_id.value}`);
  },
  MESSAGE(this: Library, { data }: { data: string }) {
    this.message(`heard ${Buffer.from(data, 'base64').toString()}`);
  },
  ERROR(this: Library, event: unknown) {
    say(`error ${JSON.stringify(event)}`);
  },
  SHUTDOWN(this: Library, _event: unknown) {
    say('shut down');
    process.exit(0);
  },
};

const executor = new Executor({ handlers });
executor.on('error', (error: { message?: string }) => say(`error ${error.message ?? String(error)}`));
executor.subscribe();

function update(own: Library, task_id: TaskId, state: string): void {
  own.update({
    task_id,
    state,
    source: 'SOURCE_EXECUTOR',
    executor_id: { value: process.env.MESOS_EXECUTOR_ID },
    uuid: randomBytes(16).toString('base64'),
    timestamp: Date.now() / 1000,
  });
}

function say(text: string): void {
  process.stdout.write(`@${text}\n`);
}
