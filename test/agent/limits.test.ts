// What an agent keeps, and for how many, at most.
import t from 'tap';
import type { Agent, TaskWatcher } from '../../src/agent/agent.js';
import { History, mostCompleted } from '../../src/agent/api/history.js';
import { mostWatchers, Watchers } from '../../src/agent/api/watchers.js';
import type { Task } from '../../src/agent/task/task.js';
import type { RecordStream } from '../../src/http/record-stream.js';

t.test(
  'who follows makes room for who comes later, and of what is over the latest is remembered',
  async (t) => {
    const watching = new Set<TaskWatcher>();
    const agent = { watchers: watching } as unknown as Agent;
    const watchers = new Watchers(agent);
    const ended: number[] = [];
    const add = (number: number) => {
      let close = () => {};
      const stream = {
        write: () => true,
        onClose: (call: () => void) => {
          close = call;
        },
        end() {
          ended.push(number);
          close();
        },
      };
      watchers.add(stream as unknown as RecordStream, []);
    };
    for (let i = 0; i < mostWatchers + 2; i++) add(i);
    t.strictSame(ended, [0, 1]);
    watchers.end();
    const history = new History(agent);
    const tasks = Array.from(
      { length: mostCompleted + 2 },
      (_, i) => ({ id: String(i), info: { name: '' } }) as Task,
    );
    for (const task of tasks) for (const { forgotten } of watching) forgotten?.(task);
    t.equal(history.completed.length, mostCompleted);
    t.equal(history.completed[0]?.id, '2');
  },
);
