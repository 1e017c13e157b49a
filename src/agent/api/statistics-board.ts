import type { InspectedTask } from '../../inspect/task-source.js';
import type { ResourceStatistics } from '../../mesos/messages.js';
import { statisticsOf } from './statistics.js';

/** Seconds: what was found out is found out anew behind the back of who asks after the first, and told until the second at most. */
const fresh = 1;
const good = 15;
/** Containers whose counters are read in one go: others are answered meanwhile. */
const slice = 20;

/**
 * What containers have used, as of the last seconds: each entry says of when it is. Reading the counters of a thousand takes the kernel longer than an answer may, so whoever asks often is told what was
 * read for the one before.
 */
export class StatisticsBoard {
  private readonly known = new Map<string, ResourceStatistics>();
  private reading: Promise<void> | undefined;

  /** In the order of `tasks`, which run; undefined: it has ended meanwhile. `fail`: told of what goes wrong behind the back of who asks. */
  async of(
    tasks: readonly InspectedTask[],
    fail: (error: unknown) => void,
  ): Promise<(ResourceStatistics | undefined)[]> {
    const old = this.olderThan(tasks, good);
    // Most of them: others who ask may be at it already.
    if (old.length > slice) await this.reading;
    await this.read(this.olderThan(old, good));
    if (this.reading === undefined && this.olderThan(tasks, fresh).length > 0)
      this.reading = this.read(tasks)
        .catch(fail)
        .finally(() => {
          this.reading = undefined;
        });
    this.forget();
    return tasks.map(({ id }) => this.known.get(id));
  }

  private olderThan(tasks: readonly InspectedTask[], seconds: number): InspectedTask[] {
    const least = Date.now() / 1000 - seconds;
    return tasks.filter(({ id }) => (this.known.get(id)?.timestamp ?? 0) < least);
  }

  private async read(tasks: readonly InspectedTask[]): Promise<void> {
    for (let from = 0; from < tasks.length; from += slice) {
      const some = tasks.slice(from, from + slice);
      const found = await statisticsOf(some);
      for (const [index, { id }] of some.entries()) {
        const statistics = found[index];
        if (statistics !== undefined) this.known.set(id, statistics);
      }
      await new Promise(setImmediate);
    }
  }

  /** Of containers that nobody asks after any more. */
  private forget(): void {
    const least = Date.now() / 1000 - 2 * good;
    for (const [id, { timestamp }] of this.known) if (timestamp < least) this.known.delete(id);
  }
}
