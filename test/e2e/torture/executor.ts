// An executor over the v1 API (`executor.js socket|port`), as one that means to outlive its agent should be: it subscribes again whenever its stream ends, with what nobody has acknowledged. Each of its tasks has `data`: how long it
// is to take, and the status that it ends with. When all are done, and that is acknowledged, it ends.

import { randomBytes } from 'node:crypto';
import http from 'node:http';
import { RecordReader } from '../../../src/http/record-io.js';
import { jsonCodec } from '../../../src/mesos/codec.js';
import type {
  ExecutorCall,
  ExecutorEvent,
  TaskInfo,
  TaskState,
  TaskStatus,
} from '../../../src/mesos/messages.js';

const { env } = process;
const [host = '', port = ''] = env.MESOS_AGENT_ENDPOINT?.split(':') ?? [];
/** By the agent's local socket, or its port. */
const way = process.argv[2] === 'socket' ? { socketPath: env.MESOS_DOMAIN_SOCKET } : { host, port };
const options = {
  ...way,
  path: '/api/v1/executor',
  method: 'POST',
  agent: false,
  headers: {
    'Content-Type': 'application/json',
    Authorization: `Bearer ${env.MESOS_EXECUTOR_AUTHENTICATION_TOKEN}`,
  },
};

/** Not acknowledged as heard of, by id. */
const tasks = new Map<string, TaskInfo>();
const updates: TaskStatus[] = [];
/** Running, until they end. */
const timers = new Map<string, NodeJS.Timeout>();
let launched = 0;

function encoded(call: Partial<ExecutorCall>): Buffer {
  return jsonCodec.encode('mesos.v1.executor.Call', {
    executor_id: { value: env.MESOS_EXECUTOR_ID ?? '' },
    framework_id: { value: env.MESOS_FRAMEWORK_ID ?? '' },
    ...call,
  });
}

function subscribe(): void {
  let ended = false;
  const later = () => {
    if (ended) return;
    ended = true;
    setTimeout(subscribe, 50);
  };
  const request = http.request(options, (response) => {
    const reader = new RecordReader(1 << 26);
    response.on('data', (piece: Buffer) => {
      if (response.statusCode !== 200) return;
      for (const record of reader.push(piece)) hear(jsonCodec.decode('mesos.v1.executor.Event', record));
    });
    response.on('error', later).on('close', later);
  });
  request.on('error', later);
  const unacknowledged_tasks = [...tasks.values()];
  request.end(
    encoded({
      type: 'SUBSCRIBE',
      subscribe: { unacknowledged_tasks, unacknowledged_updates: updates.map((status) => ({ status })) },
    }),
  );
}

function hear({ type, launch, kill, acknowledged }: ExecutorEvent): void {
  if (type === 'LAUNCH' && launch !== undefined) begin(launch.task);
  if (type === 'KILL' && kill !== undefined) end(kill.task_id.value, 'TASK_KILLED', 'It was to end');
  if (type === 'SHUTDOWN') process.exit(0);
  if (type !== 'ACKNOWLEDGED' || acknowledged === undefined) return;
  tasks.delete(acknowledged.task_id.value);
  const index = updates.findIndex(
    ({ uuid }) => uuid !== undefined && Buffer.compare(uuid, acknowledged.uuid) === 0,
  );
  if (index >= 0) updates.splice(index, 1);
  leaveWhenDone();
}

function begin(task: TaskInfo): void {
  const id = task.task_id.value;
  if (timers.has(id)) return;
  launched++;
  tasks.set(id, task);
  const { seconds, status } = JSON.parse(Buffer.from(task.data ?? []).toString()) as {
    seconds: number;
    status: number;
  };
  say(id, 'TASK_RUNNING');
  const state = status === 0 ? 'TASK_FINISHED' : 'TASK_FAILED';
  const over = () => end(id, state, `Command exited with status ${status}`);
  timers.set(id, setTimeout(over, seconds * 1000));
}

function end(id: string, state: TaskState, message: string): void {
  const timer = timers.get(id);
  if (timer === undefined) return;
  clearTimeout(timer);
  timers.delete(id);
  say(id, state, message);
}

function say(id: string, state: TaskState, message?: string): void {
  const status: TaskStatus = {
    task_id: { value: id },
    ...{ state, source: 'SOURCE_EXECUTOR', uuid: randomBytes(16), timestamp: Date.now() / 1000 },
    ...(message !== undefined && { message }),
  };
  updates.push(status);
  const request = http.request(options, (response) => response.resume().on('error', () => {}));
  // It is said again with the next subscription.
  request.on('error', () => {});
  request.end(encoded({ type: 'UPDATE', update: { status } }));
}

function leaveWhenDone(): void {
  if (launched > 0 && timers.size === 0 && updates.length === 0) process.exit(0);
}

subscribe();
