import type { InspectedTask } from '../../inspect/task-source.js';
import type { ResourceStatistics } from '../../mesos/messages.js';
import { statisticsOf } from './statistics.js';

/** Seconds: what was found out is found out anew behind the back of who asks after the first, and before who asks is told after the second. */
const fresh = 1;
const good = 15;
/** Containers whose counters are read in a second, however often somebody asks: of more than that nothing is so fresh. */
const pace = 250;
/** After so many seconds nothing is told any more, whatever keeps it from being read. */
export const oldest = 90;
/** Containers whose counters are read in one go: others are answered meanwhile. */
export const slice = 20;
/** Milliseconds that who asks for more than that waits for counters: then what is known is told. */
const patience = 20;

type Read = (tasks: readonly InspectedTask[]) => Promise<ResourceStatistics[]>;

/**
 * What containers have used, as of the last seconds: each entry says of when it is. Reading the counters of a thousand takes the kernel longer than an answer may, so whoever asks often is told what was
 * read for the one before, and whoever asks seldom what was read in passing (`StatisticsUpkeep`).
 */
export class StatisticsBoard {
  private readonly known = new Map<string, ResourceStatistics>();
  private reading: Promise<void> | undefined;

  constructor(private readonly readAll: Read = statisticsOf) {}

  /** In the order of `tasks`, which run; undefined: it has ended meanwhile, or is one of many and nobody has looked at it yet. `fail`: told of what goes wrong behind the back of who asks. */
  async of(
    tasks: readonly InspectedTask[],
    fail: (error: unknown) => void,
  ): Promise<(ResourceStatistics | undefined)[]> {
    const old = this.olderThan(tasks, good);
    if (tasks.length <= slice) await this.read(old);
    else if (old.length > 0) await this.inPatience(this.renew(old, fail));
    if (this.olderThan(tasks, Math.max(fresh, tasks.length / pace)).length > 0) void this.renew(tasks, fail);
    this.forget();
    return tasks.map(({ id }) => this.known.get(id));
  }

  /** Reads those whose figures are older than so many seconds. */
  async refresh(tasks: readonly InspectedTask[], seconds: number): Promise<void> {
    await this.read(this.olderThan(tasks, seconds));
  }

  private olderThan(tasks: readonly InspectedTask[], seconds: number): InspectedTask[] {
    const least = Date.now() / 1000 - seconds;
    return tasks.filter(({ id }) => (this.known.get(id)?.timestamp ?? 0) < least);
  }

  /** Behind the back of who asks, once for all who ask at the same time. */
  private renew(tasks: readonly InspectedTask[], fail: (error: unknown) => void): Promise<void> {
    this.reading ??= this.read(tasks)
      .catch(fail)
      .finally(() => {
        this.reading = undefined;
      });
    return this.reading;
  }

  private async inPatience(reading: Promise<void>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, patience);
    });
    await Promise.race([reading, over]);
    clearTimeout(timer);
  }

  private async read(tasks: readonly InspectedTask[]): Promise<void> {
    for (let from = 0; from < tasks.length; from += slice) {
      const some = tasks.slice(from, from + slice);
      const found = await this.readAll(some);
      for (const [index, { id }] of some.entries()) {
        const statistics = found[index];
        if (statistics !== undefined) this.known.set(id, statistics);
      }
      await new Promise(setImmediate);
    }
  }

  /** Of containers that nobody asks after any more, or that cannot be read. */
  private forget(): void {
    const least = Date.now() / 1000 - oldest;
    for (const [id, { timestamp }] of this.known) if (timestamp < least) this.known.delete(id);
  }
}
