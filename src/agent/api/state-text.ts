import { jsonText, type MessageName } from '../../mesos/codec.js';
import { messageWriter } from '../../mesos/json-write.js';
import type { Messages } from '../../mesos/messages.js';
import { messageType } from '../../mesos/schema.js';
import { taskMessage } from '../master/subscription.js';
import type { Task } from '../task/task.js';
import { arrayOf } from './container-texts.js';
import type { ApiContext } from './context.js';
import { executorOf, keyOfExecutor } from './executors.js';
import { frameworksOf, tasksByPhase } from './views.js';

/** What the text of a task was made of. */
type Made = Pick<Task, 'state' | 'latest' | 'forwarded' | 'framework'> & {
  first: Task['updates'][number] | undefined;
};

/** `GET_STATE` in JSON. With a thousand tasks it is long, tools ask for it all the time, and little has changed since: what is told of each task is kept as text until it is another. */
export class StateText {
  private readonly tasks = new WeakMap<Task, { of: Made; text: string }>();
  private readonly executors = new WeakMap<Task, string>();

  of(context: ApiContext): string[] {
    const { agent, history } = context;
    const { queued, launched, terminated } = tasksByPhase(agent);
    const tasks = (list: Iterable<Task>) => arrayOf(Array.from(list, (task) => this.taskText(task)));
    const executors = (list: Iterable<Task>) => arrayOf([...this.executorTexts(list).values()]);
    const { completed } = history;
    return [
      '{"type":"GET_STATE","get_state":{"get_tasks":{"pending_tasks":[],"queued_tasks":',
      ...tasks(queued),
      ',"launched_tasks":',
      ...tasks(launched),
      ',"terminated_tasks":',
      ...tasks(terminated),
      ',"completed_tasks":',
      ...tasks(completed),
      '},"get_executors":{"executors":',
      ...executors(agent.tasks.values()),
      ',"completed_executors":',
      ...executors(completed),
      `},"get_frameworks":${textOf('mesos.v1.agent.Response.GetFrameworks', frameworksOf(context))}}}`,
    ];
  }

  private taskText(task: Task): string {
    const { state, latest, forwarded, framework, updates } = task;
    const [first] = updates;
    const known = this.tasks.get(task);
    if (
      known !== undefined &&
      known.of.state === state &&
      known.of.latest === latest &&
      known.of.forwarded === forwarded &&
      known.of.framework === framework &&
      known.of.first === first
    )
      return known.text;
    const text = textOf('mesos.v1.Task', taskMessage(task));
    this.tasks.set(task, { of: { state, latest, forwarded, framework, first }, text });
    return text;
  }

  private executorTexts(tasks: Iterable<Task>): Map<string, string> {
    const texts = new Map<string, string>();
    for (const task of tasks) {
      let text = this.executors.get(task);
      if (text === undefined) {
        text = textOf('mesos.v1.agent.Response.GetExecutors.Executor', executorOf(task));
        this.executors.set(task, text);
      }
      texts.set(keyOfExecutor(task), text);
    }
    return texts;
  }
}

/** In ASCII. */
function textOf<Name extends MessageName>(name: Name, message: Messages[Name]): string {
  return jsonText(messageWriter(messageType(name))(message));
}
