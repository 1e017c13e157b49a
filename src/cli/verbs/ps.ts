import { Option } from 'commander';
import { listContainers } from '../../containerizer/container/catalogue.js';
import {
  asksForEnded,
  type ContainerFilters,
  selectContainers,
} from '../../containerizer/container/selection.js';
import { columnsOf } from '../../inspect/columns.js';
import { findTasks } from '../../inspect/find-task.js';
import { inspect } from '../../inspect/inspection.js';
import { tableOf } from '../../inspect/table.js';
import { type InspectedTask, isUp } from '../../inspect/task-source.js';
import { inspectCluster, rowsOfTask } from '../cluster/inspection.js';
import { MasterClient, masterFlag } from '../cluster/master-client.js';
import { containerFilter } from '../container-filters.js';
import { dockerRow } from '../format/docker-row.js';
import { type Format, formatFlag, formatted } from '../format/flag.js';
import type { Template } from '../format/template.js';
import { listTasks } from '../host-tasks.js';
import { usageError } from '../report.js';
import { wholeNumber } from '../run-flags/quantity.js';
import { seconds } from '../sampling-interval.js';
import type { Context, Verb } from '../verb.js';

interface Flags {
  all?: true;
  quiet?: true;
  filter?: ContainerFilters;
  latest?: true;
  last?: number;
  format?: Format;
  threads?: true;
  pss?: true;
  trunc: boolean;
  interval: number;
  cluster?: true;
  master?: string;
}

export const verb: Verb = {
  summary: 'Show tasks, or the processes and threads of one, and where their time goes',
  example: 'berth ps web --threads',
  declare(command) {
    command
      .argument('[ID]', 'a container: its processes too')
      .option('-a, --all', 'also containers that do not run')
      .option('-q, --quiet', 'only ids, and no sampling')
      .addOption(containerFilter())
      .option('-l, --latest', 'the one that was made last, whether it runs or not')
      .addOption(
        new Option('-n, --last <number>', 'so many that were made last, whether they run or not').argParser(
          wholeNumber(1, 1_000_000, 'It is a number from 1 on.'),
        ),
      )
      .addOption(formatFlag())
      .option('--threads', 'every process with its threads, as a tree')
      .option('--interval <seconds>', 'the time between the two samples', seconds, 0.5)
      .option('--pss', 'the proportional set size of each process too (dear)')
      .option('--no-trunc', 'whole ids, names and images')
      .option('--cluster', 'the whole cluster: its nodes, their tasks, and with ID one of those');
    masterFlag(command);
  },
  async run(context, [wanted], given) {
    const flags = given as unknown as Flags;
    if (flags.cluster === true) return psCluster(context, wanted, flags);
    const all = listTasks(context.roots);
    const tasks = wanted === undefined ? chosen(context, all, flags) : findTasks(all, wanted);
    if (flags.quiet === true) printIds(context, tasks, flags.trunc);
    else if (flags.format !== undefined && flags.format !== 'json')
      printFormatted(context, tasks, flags.format, flags.trunc);
    else await printRows(context, tasks, wanted !== undefined, flags);
    return 0;
  },
};

function chosen({ roots }: Context, all: InspectedTask[], flags: Flags): InspectedTask[] {
  const { filter = {}, latest, last = latest === true ? 1 : undefined } = flags;
  const fitting = selectContainers(roots, filter);
  const ended = flags.all === true || last !== undefined || asksForEnded(filter);
  const shown = new Map(all.filter((task) => ended || isUp(task)).map((task) => [task.id, task]));
  const tasks = fitting.flatMap((id) => shown.get(id) ?? []);
  return last === undefined ? tasks : tasks.slice(-last);
}

function printFormatted(
  { roots, out }: Context,
  tasks: InspectedTask[],
  template: Template,
  trunc: boolean,
): void {
  const containers = new Map(listContainers(roots, () => {}).map((each) => [each.document.id, each]));
  out(
    formatted(
      template,
      tasks.map((task) => dockerRow(task, containers.get(task.id), trunc)),
    ),
  );
}

async function psCluster(context: Context, wanted: string | undefined, flags: Flags): Promise<number> {
  const { json, out, note } = context;
  const local = (['filter', 'latest', 'last', 'format'] as const).find((name) => flags[name] !== undefined);
  if (local !== undefined)
    throw usageError(`ps --${local}`, 'it chooses among the containers of this host', 'Leave out --cluster.');
  if (flags.all === true)
    throw usageError('ps', '--cluster shows what runs', 'Use berth task ls --all for what has ended.');
  const pss = flags.pss === true;
  const depth = flags.threads === true ? 'thread' : wanted === undefined ? 'task' : 'process';
  const whole = await inspectCluster(new MasterClient(flags), {
    ...{ depth, pss, note, interval: flags.interval },
    ...(wanted !== undefined && { task: wanted }),
  });
  const document = wanted === undefined ? whole : rowsOfTask(whole, wanted);
  const rows = flags.quiet === true ? document.rows.filter(({ level }) => level === 'task') : document.rows;
  if (json) out(`${JSON.stringify({ ...document, rows })}\n`);
  else if (flags.quiet === true) out(rows.map(({ id }) => `${id}\n`).join(''));
  else {
    const columns = columnsOf(depth === 'task' ? 'list' : 'tree', { pss, cluster: wanted === undefined });
    out(tableOf(rows, columns, !flags.trunc));
  }
  return 0;
}

function printIds({ json, out }: Context, tasks: InspectedTask[], trunc: boolean): void {
  if (json) {
    const rows = tasks.map(({ id, name, state }) => ({ level: 'task', id, name, state }));
    out(`${JSON.stringify({ sampling: null, rows })}\n`);
  } else {
    out(tasks.map(({ id }) => `${trunc ? id.slice(0, 12) : id}\n`).join(''));
  }
}

async function printRows(
  { json, out, note }: Context,
  tasks: InspectedTask[],
  one: boolean,
  flags: Flags,
): Promise<void> {
  const pss = flags.pss === true;
  const depth = flags.threads === true ? 'thread' : one ? 'process' : 'task';
  const document = await inspect(tasks, { intervalSeconds: flags.interval, depth, pss });
  if (json || flags.format === 'json') {
    out(`${JSON.stringify(document)}\n`);
    return;
  }
  const columns = columnsOf(depth === 'task' ? 'list' : 'tree', {
    pss,
    ports: depth === 'task' && document.rows.some(({ ports }) => ports !== null),
  });
  out(tableOf(document.rows, columns, !flags.trunc));
  for (const { name, endReason } of tasks) if (endReason) note(`${name}: ${endReason}`);
}
