import { findTask } from '../../inspect/find-task.js';
import { bytes, decimal, share, whole } from '../../inspect/quantity.js';
import { type InspectedTask, isUp } from '../../inspect/task-source.js';
import { takeUsage, type Usage } from '../../inspect/usage.js';
import { dockerStats } from '../format/docker-stats.js';
import { type Format, formatFlag, formatted } from '../format/flag.js';
import { listTasks } from '../host-tasks.js';
import { seconds } from '../sampling-interval.js';
import { type Column, table } from '../table.js';
import type { Context, Verb } from '../verb.js';

interface Flags extends Looks {
  stream: boolean;
  interval: number;
}

interface Looks {
  format?: Format;
  /** Ids are cut. */
  trunc: boolean;
}

export const verb: Verb = {
  summary: 'Show what containers use, again and again',
  example: 'berth stats --no-stream web',
  declare(command) {
    command
      .argument('[id...]', 'ids or names; by default all that run')
      .option('--no-stream', 'once')
      .option('--no-trunc', 'whole ids')
      .addOption(formatFlag())
      .option('--interval <seconds>', 'the time between the two samples of each figure', seconds, 1);
  },
  async run(context, wanted, given) {
    const { stream, interval, ...looks } = given as unknown as Flags;
    // Names that are wrong are told before anything else.
    const ids = wanted.map((name) => findTask(listTasks(context.roots), name).id);
    do {
      const tasks = chosen(listTasks(context.roots), ids);
      if (ids.length > 0 && !tasks.some(isUp)) return 0;
      // With nothing to sample, the sample does not take its time.
      const started = Date.now();
      show(context, await takeUsage(tasks, interval), stream, looks);
      if (stream) await pause(interval * 1000 - (Date.now() - started));
    } while (stream);
    return 0;
  },
};

function chosen(all: InspectedTask[], ids: string[]): InspectedTask[] {
  return ids.length === 0 ? all : all.filter(({ id }) => ids.includes(id));
}

const columns: readonly (Column & { text(usage: Usage): string })[] = [
  { header: 'NAME', text: ({ name, state }) => (state === 'paused' ? `${name} (paused)` : name) },
  right('CPU%', (usage) => decimal(usage.cpu_percent)),
  right('THRO', (usage) => share(usage.throttled)),
  right('MEM', (usage) => bytes(usage.memory_working_set)),
  right('LIMIT', (usage) => bytes(usage.memory_limit)),
  right('MEM%', (usage) => decimal(usage.memory_percent)),
  right('SWAP', (usage) => bytes(usage.swap)),
  right('NET RX/TX', (usage) => `${bytes(usage.net_received_bytes)}/${bytes(usage.net_sent_bytes)}`),
  right('DISK RD/WR', (usage) => `${bytes(usage.io_read_bytes)}/${bytes(usage.io_write_bytes)}`),
  right('PROCS', (usage) => whole(usage.processes)),
  right('THR', (usage) => whole(usage.threads)),
  right('PSI CPU', ({ pressure }) => share(pressure.cpu.some)),
  right('PSI MEM', ({ pressure }) => share(pressure.memory.some)),
  right('PSI IO', ({ pressure }) => share(pressure.io.some)),
];

function right(header: string, text: (usage: Usage) => string): Column & { text(usage: Usage): string } {
  return { header, align: 'right', text };
}

function show({ json, out }: Context, usages: Usage[], stream: boolean, { format, trunc }: Looks): void {
  if (json || format === 'json') {
    out(usages.map((usage) => `${JSON.stringify(usage)}\n`).join(''));
    return;
  }
  const text =
    format === undefined
      ? forPeople(usages, trunc)
      : formatted(
          format,
          usages.map((usage) => dockerStats(usage, trunc)),
        );
  if (!stream) out(text);
  // Home, each line to its end, then all below: what stays the same does not flicker.
  else if (process.stdout.isTTY) out(`\u001b[H${text.replaceAll('\n', '\u001b[K\n')}\u001b[J`);
  else out(format === undefined ? `${text}\n` : text);
}

function forPeople(usages: Usage[], trunc: boolean): string {
  const idOf = ({ id }: Usage) => (trunc ? id.slice(0, 12) : id);
  return table(
    [{ header: 'ID' }, ...columns],
    usages.map((usage) => [idOf(usage), ...columns.map((column) => column.text(usage))]),
  );
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, milliseconds)));
}
