// An executor of npm's mesos-framework, unmodified: what it is told it does at once, and tells of it on stdout. A task named `long` goes on until it is killed, one named `until FILE` until there is
// such a file in the sandbox, and of one named `shy FILE` it says nothing before. That library forgets what it could not say, and does not notice that its agent has been killed: both are left to its user.

import { randomBytes } from 'node:crypto';
import { subscribe } from 'node:diagnostics_channel';
import type { EventEmitter } from 'node:events';
import { existsSync } from 'node:fs';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';

interface Library extends EventEmitter {
  subscribe(): void;
  update(status: object): void;
  message(data: string): void;
}
type TaskId = { value: string };
type Status = { task_id: TaskId; state: string; uuid: string };

const { Executor } = createRequire(import.meta.url)('mesos-framework') as {
  Executor: new (options: object) => Library;
};

/** Not acknowledged, of each task, in order; the next is said when the one before it is. */
const unacknowledged = new Map<string, Status[]>();
const running = new Map<string, NodeJS.Timeout>();

// Its handlers are chosen by the number of their arguments.
const handlers = {
  SUBSCRIBED(event: { framework_info: { name: string } }) {
    say(`subscribed to ${event.framework_info.name}`);
    for (const [status] of unacknowledged.values()) if (status !== undefined) executor.update(status);
  },
  LAUNCH({ task }: { task: { name: string; task_id: TaskId } }) {
    begin(task.name, task.task_id);
  },
  KILL({ task_id }: { task_id: TaskId }) {
    say(`to kill ${task_id.value}`);
    end(task_id, 'TASK_KILLED');
  },
  ACKNOWLEDGED({ task_id, uuid }: { task_id: TaskId; uuid: string }) {
    // As if that had come to nobody: it is to be said again.
    if (existsSync('deaf')) return;
    say(`acknowledged ${task_id.value}`);
    const rest = unacknowledged.get(task_id.value) ?? [];
    if (rest[0]?.uuid !== uuid) return;
    rest.shift();
    if (rest[0] !== undefined) executor.update(rest[0]);
  },
  MESSAGE(this: Library, { data }: { data: string }) {
    this.message(`heard ${Buffer.from(data, 'base64').toString()}`);
  },
  ERROR(event: unknown) {
    say(`error ${JSON.stringify(event)}`);
  },
  SHUTDOWN(_event: unknown) {
    say('shut down');
    process.exit(0);
  },
};

function begin(name: string, task_id: TaskId): void {
  say(`launched ${task_id.value}`);
  const [word, file] = name.split(' ');
  if (word !== 'shy') update(task_id, 'TASK_RUNNING');
  const look = () => {
    if (word === 'long' || (file !== undefined && !existsSync(file))) return;
    if (word === 'shy') update(task_id, 'TASK_RUNNING');
    end(task_id, 'TASK_FINISHED');
  };
  running.set(task_id.value, setInterval(look, 20));
  look();
}

function end(task_id: TaskId, state: string): void {
  const timer = running.get(task_id.value);
  if (timer === undefined) return;
  clearInterval(timer);
  running.delete(task_id.value);
  update(task_id, state);
}

function update(task_id: TaskId, state: string): void {
  const status = {
    ...{ task_id, state, source: 'SOURCE_EXECUTOR', timestamp: Date.now() / 1000 },
    executor_id: { value: process.env.MESOS_EXECUTOR_ID },
    uuid: randomBytes(16).toString('base64'),
  };
  say(`${state} ${task_id.value}`);
  const before = unacknowledged.get(task_id.value) ?? [];
  unacknowledged.set(task_id.value, before);
  if (before.push(status) === 1) executor.update(status);
}

function say(text: string): void {
  process.stdout.write(`@${text}\n`);
}

let coming = false;
/** Subscribes again soon, for as long as nobody is there. */
function comeBack(): void {
  if (coming) return;
  coming = true;
  setTimeout(() => {
    coming = false;
    executor.subscribe();
  }, 50);
}

// Only a subscription is answered with 200. Its stream may break off without a word of the library's.
subscribe('http.client.request.start', (message) => {
  const { request } = message as { request: ClientRequest };
  request.once('response', (response: IncomingMessage) => {
    if (response.statusCode === 200) response.once('close', comeBack);
  });
});

const executor = new Executor({ handlers });
executor.on('error', (error: { message?: string }) => {
  say(`error ${error.message ?? String(error)}`);
  // Of what it could not say it gives the text alone: that is said again after the next subscription.
  if (/^There was a problem|^Long-running/.test(error.message ?? '')) comeBack();
});
executor.subscribe();
