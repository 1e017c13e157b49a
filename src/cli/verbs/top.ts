import { InvalidArgumentError, Option } from 'commander';
import { BerthError } from '../../errors/berth-error.js';
import type { Column } from '../../inspect/columns.js';
import { columnNamed } from '../../inspect/order.js';
import { isUp } from '../../inspect/task-source.js';
import { usageError } from '../report.js';
import { seconds } from '../sampling-interval.js';
import { Screen } from '../screen.js';
import { printLooks, showTop, taskNamed } from '../top-loop.js';
import type { Verb } from '../verb.js';

interface Flags {
  batch?: number;
  interval: number;
  sort: Column['member'];
  threads?: true;
}

export const verb: Verb = {
  summary: 'Show where the time of tasks, processes and threads goes, live',
  example: 'berth top --sort rss web',
  declare(command) {
    command
      .argument('[ID]', 'a container: its processes')
      .addOption(
        new Option('--batch <number>', 'print so many looks in place of the screen').argParser(looks),
      )
      .option('--interval <seconds>', 'the time between two looks', seconds, 1)
      .addOption(
        new Option('--sort <column>', 'by its heading or its member of the JSON')
          .argParser(column)
          .default('cpu_percent', 'CPU%'),
      )
      .option('--threads', 'with all threads, as a tree');
  },
  async run(context, [wanted], given) {
    const { batch, interval, sort, threads } = given as unknown as Flags;
    const task = wanted === undefined ? undefined : taskNamed(context.roots, wanted);
    if (task !== undefined && !isUp(task)) {
      throw new BerthError('CONTAINER_STATE', {
        what: `container ${task.name}`,
        why: 'it is not running',
        mend: 'See berth ps -a.',
      });
    }
    const options = {
      task: task?.id ?? null,
      threads: threads === true,
      order: { member: sort, reverse: false },
      interval,
    };
    if (batch !== undefined) await printLooks(context, batch, options);
    else if (context.json) throw usageError('top', '--json goes with --batch', 'berth top --batch 1 --json');
    else if (!Screen.possible())
      throw usageError('top', 'its input and output are not a terminal', 'Use --batch 1, or berth ps.');
    else await showTop(context.roots, options);
    return 0;
  },
};

function looks(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is a number from 1.');
}

function column(text: string): Column['member'] {
  const found = columnNamed(text);
  if (found !== undefined) return found.member;
  throw new InvalidArgumentError('There is no such column; see berth ps.');
}
