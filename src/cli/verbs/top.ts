import { InvalidArgumentError, Option } from 'commander';
import { BerthError } from '../../errors/berth-error.js';
import type { Column } from '../../inspect/columns.js';
import { columnNamed } from '../../inspect/order.js';
import { isUp } from '../../inspect/task-source.js';
import { MasterClient, masterFlag } from '../cluster/master-client.js';
import { findTask } from '../cluster/tasks.js';
import { ClusterLooks, HostLooks } from '../looks.js';
import { usageError } from '../report.js';
import { seconds } from '../sampling-interval.js';
import { Screen } from '../screen.js';
import { printLooks, showTop, taskNamed } from '../top-loop.js';
import type { Context, Verb } from '../verb.js';

interface Flags {
  batch?: number;
  interval: number;
  sort: Column['member'];
  threads?: true;
  cluster?: true;
  master?: string;
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
      .option('--threads', 'with all threads, as a tree')
      .option('--cluster', 'the whole cluster: its nodes and their tasks');
    masterFlag(command);
  },
  async run(context, [wanted], given) {
    const flags = given as unknown as Flags;
    const { batch, interval, sort, threads } = flags;
    const client = flags.cluster === true ? new MasterClient(flags) : undefined;
    const makeLooks = (tell: (told: string) => void) =>
      client === undefined ? new HostLooks(context.roots, tell) : new ClusterLooks(client, tell, interval);
    const options = {
      task: wanted === undefined ? null : await idOf(context, client, wanted),
      threads: threads === true,
      order: { member: sort, reverse: false },
      interval,
    };
    if (batch !== undefined) await printLooks(context, makeLooks(context.note), batch, options);
    else if (context.json) throw usageError('top', '--json goes with --batch', 'berth top --batch 1 --json');
    else if (!Screen.possible())
      throw usageError('top', 'its input and output are not a terminal', 'Use --batch 1, or berth ps.');
    else await showTop(makeLooks, options);
    return 0;
  },
};

/** The id of the task that a person means. */
async function idOf(context: Context, client: MasterClient | undefined, wanted: string): Promise<string> {
  if (client !== undefined) return (await findTask(client, wanted)).row.id;
  const task = taskNamed(context.roots, wanted);
  if (isUp(task)) return task.id;
  throw new BerthError('CONTAINER_STATE', {
    what: `container ${task.name}`,
    why: 'it is not running',
    mend: 'See berth ps -a.',
  });
}

function looks(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is a number from 1.');
}

function column(text: string): Column['member'] {
  const found = columnNamed(text);
  if (found !== undefined) return found.member;
  throw new InvalidArgumentError('There is no such column; see berth ps.');
}
