import { tasksOf } from '../agent/inspection/host-tasks.js';
import { columnsOf } from '../inspect/columns.js';
import { findTask } from '../inspect/find-task.js';
import { type Order, ordered } from '../inspect/order.js';
import type { Depth } from '../inspect/rows.js';
import { tableOf } from '../inspect/table.js';
import type { InspectedTask } from '../inspect/task-source.js';
import { frameOf, pageOf } from '../inspect/top-frame.js';
import { type Action, act, depthOf, type Looked, rowsShown, type TopView } from '../inspect/top-view.js';
import type { Roots } from '../state/roots.js';
import type { Key } from './keyboard.js';
import type { Looks } from './looks.js';
import { Screen } from './screen.js';
import type { Context } from './verb.js';

export interface TopOptions {
  /** The task to begin with, by id. */
  task: string | null;
  threads: boolean;
  order: Order;
  /** Seconds. */
  interval: number;
}

const actions: Record<Key, Action> = {
  up: 'up',
  k: 'up',
  down: 'down',
  j: 'down',
  'page-up': 'page-up',
  'page-down': 'page-down',
  home: 'first',
  end: 'last',
  enter: 'open',
  right: 'open',
  backspace: 'back',
  left: 'back',
  s: 'sort',
  r: 'reverse',
  t: 'threads',
  ' ': 'pause',
  '?': 'help',
  h: 'help',
};

/** What is new is looked at again so soon, so that there are rates, in seconds. */
const firstInterval = 0.3;

/** Prints so many looks, one after another. */
export async function printLooks(
  context: Context,
  looks: Looks,
  count: number,
  options: TopOptions,
): Promise<void> {
  const { task, threads, order, interval } = options;
  const depth: Depth = threads ? 'thread' : task === null ? 'task' : 'process';
  if (looks.within === 0) await looks.look(task, depth);
  for (let number = 0; number < count; number++) {
    await new Promise((resolve) => setTimeout(resolve, (interval - looks.within) * 1000));
    const document = await looks.look(task, depth);
    const { sampling, rows } = document ?? { sampling: null, rows: [] };
    const time = new Date().toISOString();
    if (context.json) {
      context.out(`${JSON.stringify({ time, sampling, rows: ordered(rows, order) })}\n`);
      continue;
    }
    const cost = ((sampling?.cost_cpu_seconds ?? 0) * 1000).toFixed(1);
    context.out(`${number === 0 ? '' : '\n'}${time}  sampling ${cost}ms\n`);
    context.out(
      tableOf(
        ordered(rows, order),
        columnsOf(depth === 'task' ? 'list' : 'tree', {
          pss: false,
          cluster: looks.cluster && task === null,
        }),
        false,
      ),
    );
  }
}

/** Shows tasks on the whole screen until a person leaves. */
export async function showTop(
  makeLooks: (tell: (told: string) => void) => Looks,
  options: TopOptions,
): Promise<void> {
  await new Top(makeLooks, options).run();
}

class Top {
  readonly #looks: Looks;
  readonly #interval: number;
  readonly #screen = new Screen(
    (key) => this.#press(key),
    () => this.#draw(),
  );
  #view: TopView;
  #document: Looked | undefined;
  #message = '';
  #own = { at: process.hrtime.bigint(), cpu: process.cpuUsage(), percent: null as number | null };
  #left = false;
  /** Ends the wait for the next look. */
  #hurry: () => void = () => {};

  constructor(
    makeLooks: (tell: (told: string) => void) => Looks,
    { task, threads, order, interval }: TopOptions,
  ) {
    this.#looks = makeLooks((told) => {
      this.#message = told;
    });
    this.#interval = interval;
    const { cluster } = this.#looks;
    this.#view = { task, process: null, threads, order, cluster, selected: null, paused: false, help: false };
  }

  async run(): Promise<void> {
    this.#screen.open();
    try {
      let wait = firstInterval;
      for (;;) {
        await this.#look();
        this.#draw();
        do {
          const hurried = await this.#sleep(wait);
          if (this.#left) return;
          wait = hurried ? firstInterval : this.#interval - this.#looks.within;
          if (hurried) break;
        } while (this.#view.paused);
      }
    } finally {
      this.#screen.close();
    }
  }

  async #look(): Promise<void> {
    const { task } = this.#view;
    let of = task;
    let document = await this.#looks.look(task, depthOf(this.#view));
    if (task !== null && this.#view.task === task && document !== undefined && document.rows.length === 0) {
      const name = this.#document?.rows.find(({ id }) => id === task)?.name ?? task;
      this.#message = `${name} has ended`;
      this.#view = { ...this.#view, task: null, process: null };
      of = null;
      document = await this.#looks.look(null, depthOf(this.#view));
    }
    if (document !== undefined) this.#document = { ...document, of };
    this.#countOwn();
  }

  /** True: not to its end. */
  #sleep(seconds: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), seconds * 1000);
      this.#hurry = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }

  #press(key: Key): void {
    if (key === 'q') {
      this.#left = true;
      this.#hurry();
      return;
    }
    const action = actions[key];
    if (action === undefined || this.#document === undefined) return;
    this.#message = '';
    const before = this.#view;
    const rows = rowsShown(before, this.#document);
    this.#view = act(before, action, rows, pageOf(this.#screen.size()));
    this.#draw();
    const held = before.paused && !this.#view.paused;
    if (held || before.task !== this.#view.task || depthOf(before) !== depthOf(this.#view)) this.#hurry();
  }

  #draw(): void {
    if (this.#document === undefined) return;
    const size = this.#screen.size();
    const facts = {
      time: new Date().toTimeString().slice(0, 8),
      ownPercent: this.#own.percent,
      message: this.#message,
    };
    this.#screen.show(frameOf(this.#view, this.#document, facts, size));
  }

  #countOwn(): void {
    const at = process.hrtime.bigint();
    const cpu = process.cpuUsage(this.#own.cpu);
    const seconds = Number(at - this.#own.at) / 1e9;
    this.#own = { at, cpu: process.cpuUsage(), percent: (cpu.user + cpu.system) / 1e4 / seconds };
  }
}

/** The id of the task that a person means, which must be up to be looked at. */
export function taskNamed(roots: Roots, wanted: string): InspectedTask {
  return findTask(
    tasksOf(roots, () => {}),
    wanted,
  );
}
