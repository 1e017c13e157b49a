import type { RecordStream } from '../../http/record-stream.js';
import { jsonText } from '../../mesos/codec.js';
import type { Agent } from '../agent.js';
import type { Task } from '../task/task.js';

/** Seconds between signs of life. */
const heartbeat = 5;
export const mostWatchers = 100;

/** Those who follow what happens to this agent's tasks. */
export class Watchers {
  private readonly all = new Set<RecordStream>();
  private timer: NodeJS.Timeout | undefined;

  constructor(agent: Agent) {
    agent.watchers.add({
      added: (task) => this.tell({ type: 'TASK_ADDED', ...namesOf(task), state: task.state }),
      updated: (task, { state, message, reason }) =>
        this.tell({ type: 'TASK_UPDATED', ...namesOf(task), state, message, reason }),
      forgotten: (task) => this.tell({ type: 'TASK_REMOVED', ...namesOf(task), state: task.state }),
    });
  }

  /** The first record is how things are. */
  add(stream: RecordStream, tasks: Iterable<Task>): void {
    if (this.all.size >= mostWatchers) [...this.all][0]?.end();
    this.all.add(stream);
    stream.onClose(() => this.remove(stream));
    const now = [...tasks].map((task) => ({ ...namesOf(task), state: task.state }));
    stream.write(record({ type: 'SUBSCRIBED', heartbeat_interval_seconds: heartbeat, tasks: now }));
    this.timer ??= setInterval(() => this.tell({ type: 'HEARTBEAT' }), heartbeat * 1000).unref();
  }

  end(): void {
    for (const stream of this.all) stream.end();
  }

  private remove(stream: RecordStream): void {
    this.all.delete(stream);
    if (this.all.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private tell(event: object): void {
    if (this.all.size === 0) return;
    const bytes = record({ time: new Date().toISOString(), ...event });
    for (const stream of this.all) stream.write(bytes);
  }
}

const record = (event: object) => Buffer.from(jsonText(event), 'latin1');

function namesOf({ id, frameworkId, containerId, info }: Task) {
  return { task_id: id, framework_id: frameworkId, container_id: containerId, name: info.name };
}
