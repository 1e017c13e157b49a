import os from 'node:os';
import { figuresOf, secondsBetween, type TaskFigures } from './figures.js';
import type { InspectionDocument, Sampling, Sources } from './row.js';
import { type Depth, rowsOf } from './rows.js';
import { type Sample, takeSample } from './sample.js';
import { type InspectedTask, isUp } from './task-source.js';

export interface InspectionOptions {
  /** The time between the two samples that every rate is taken between. */
  intervalSeconds: number;
  depth: Depth;
  /** Read the proportional set size of each process, which is dear. */
  pss: boolean;
}

/** Looks at these tasks twice and tells what they did in between. Tasks that do not run get rows without figures. */
export async function inspect(
  tasks: InspectedTask[],
  options: InspectionOptions,
): Promise<InspectionDocument> {
  const { intervalSeconds, depth, pss } = options;
  const place = { node: os.hostname(), bootRealtime: 0 };
  // Nothing runs: nothing to wait an interval for.
  if (!tasks.some(hasProcesses)) {
    return { sampling: noSampling, rows: tasks.flatMap((task) => rowsOf(task, undefined, place, depth)) };
  }
  const sample = await takeSample(tasks.filter(hasProcesses), {
    intervalSeconds,
    pss,
    threads: depth === 'thread',
  });
  return documentOf(tasks, sample, depth, place.node);
}

/** The document of one sample, pure: the same sample always gives the same document. */
export function documentOf(
  tasks: InspectedTask[],
  sample: Sample,
  depth: Depth,
  node: string,
): InspectionDocument {
  const [before, after] = sample.snapshots;
  if (before === undefined || after === undefined) throw new RangeError('a document needs two snapshots');
  const figures = figuresOf(before, after);
  const byTask = new Map(tasks.filter(hasProcesses).map((task, index) => [task, figures[index]]));
  const place = { node, bootRealtime: sample.bootRealtime };
  return {
    sampling: {
      interval_seconds: Number(secondsBetween(before, after).toFixed(6)),
      cost_cpu_seconds: Number(sample.costCpuSeconds.toFixed(6)),
      threads_sampled: after.threads.length,
      sources: sourcesOf(tasks.filter(hasProcesses), sample, figures),
    },
    rows: tasks.flatMap((task) => rowsOf(task, byTask.get(task), place, depth)),
  };
}

export const noSampling: Sampling = {
  interval_seconds: 0,
  cost_cpu_seconds: 0,
  threads_sampled: 0,
  sources: {
    cpu: null,
    run_queue: null,
    block_io: null,
    memory_stall: null,
    throttled: null,
    memory: null,
  },
};

/** Is there something of it to sample? */
export function hasProcesses(task: InspectedTask): boolean {
  return isUp(task) || task.state === 'created';
}

function sourcesOf(
  tasks: InspectedTask[],
  { snapshots, delayAccounting }: Sample,
  figures: TaskFigures[],
): Sources {
  const after = snapshots.at(-1);
  const scheduled = after?.threads.some((thread) => thread.on_cpu !== null) ?? false;
  const paged = after?.threads.some((thread) => thread.paging !== null) ?? false;
  const told = (part: 'memory_stall' | 'throttled'): boolean =>
    figures.some((task) => task.figures.microstates[part] !== null);
  const version = (controller: string): string | null => {
    const place = tasks
      .map((task) => task.cgroup.controllers[controller])
      .find((found) => found !== undefined);
    return place === undefined ? null : `cgroup v${place.version} ${controller}`;
  };
  const stalls = told('memory_stall') ? 'memory.pressure' : null;
  const blocked = paged ? 'taskstats' : 'stat';
  return {
    cpu: scheduled ? 'schedstat, split by stat' : 'stat',
    run_queue: scheduled ? 'schedstat' : null,
    block_io: delayAccounting ? blocked : null,
    memory_stall: paged ? 'taskstats' : stalls,
    throttled: told('throttled') ? (version('cpu') ?? 'cgroup v2 cpu.stat') : null,
    memory: version('memory'),
  };
}
