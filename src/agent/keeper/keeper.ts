import { availableParallelism } from 'node:os';
import { type Container, containerIds, readContainer } from '../../containerizer/container/catalogue.js';
import { awaitExit } from '../../containerizer/container/control.js';
import { settle } from '../../containerizer/container/settle.js';
import { startContainer } from '../../containerizer/container/start.js';
import { supervisorGone } from '../../containerizer/container/wait.js';
import { followEvents } from '../../containerizer/events/follow.js';
import { forgetHealth, forgetOtherHealth } from '../../containerizer/keeping/health-record.js';
import { takeKeeperLock } from '../../containerizer/keeping/keeper-lock.js';
import { isStopped, recordRestarts, restartCount } from '../../containerizer/keeping/restarts.js';
import { BerthError } from '../../errors/berth-error.js';
import type { FileLock } from '../../state/lock.js';
import type { Roots } from '../../state/roots.js';
import { realTimers } from '../checks/timers.js';
import { Turns } from '../task/turns.js';
import { watchHealth } from './container-health.js';
import { isStartedAgain, longRun, pauseAfter } from './restart-decision.js';

export interface KeeperReport {
  note(text: string): void;
  defect(error: unknown): void;
}

/**
 * Starts containers again whose restart policy asks for it, and asks after the health of those with a health command: of those that people started on this host, not of tasks. It
 * knows of them by the journal; each that it looks after costs a connection to its supervisor. Keeps no process alive.
 */
export class Keeper {
  private readonly closing = new AbortController();
  /** Supervisors, as `pid start-time`. */
  private readonly attended = new Set<string>();
  /** By id, how many of the last runs in a row were short. */
  private readonly shortRuns = new Map<string, number>();
  private readonly pauses = new Map<string, NodeJS.Timeout>();
  private readonly turns = new Turns(2 * availableParallelism());

  /** Undefined: another agent of this root looks after its containers. */
  static async start(roots: Roots, report: KeeperReport): Promise<Keeper | undefined> {
    const lock = await takeKeeperLock(roots);
    if (lock !== undefined) return new Keeper(roots, lock, report);
    report.note('another agent of this root sees to restarts and health commands');
    return undefined;
  }

  private constructor(
    private readonly roots: Roots,
    private readonly lock: FileLock,
    private readonly report: KeeperReport,
  ) {
    this.follow().catch(report.defect);
  }

  /** Containers run on; nobody looks after them. */
  close(): void {
    this.closing.abort();
    for (const timer of this.pauses.values()) clearTimeout(timer);
    this.lock.release();
  }

  private async follow(): Promise<void> {
    const filters = { type: ['container'], event: ['start', 'update', 'destroy'] };
    const begin = () => {
      const ids = containerIds(this.roots);
      forgetOtherHealth(this.roots, new Set(ids));
      for (const id of ids) this.look(id, true);
      return () => {};
    };
    const quietly = { signal: this.closing.signal, keepsAlive: false };
    for await (const { action, id } of followEvents(this.roots, { filters }, begin, quietly))
      if (action === 'destroy') this.forget(id);
      else this.look(id, false);
  }

  /** @param away It may have ended while nobody was there to see it. */
  private look(id: string, away: boolean): void {
    try {
      const container = readContainer(this.roots, id);
      if (container === undefined) return;
      const { restart, healthcheck } = container.document;
      if (restart === undefined && healthcheck === undefined) return;
      if (container.state === 'running') this.attend(container).catch(this.report.defect);
      else if (container.state !== 'created') this.consider(settle(this.roots, container), away);
    } catch (error) {
      // One with damaged records must not keep others from being looked after.
      this.report.defect(error);
    }
  }

  private async attend(container: Container): Promise<void> {
    const { roots } = this;
    const { document, process } = container;
    const { id, healthcheck } = document;
    if (process === undefined) return;
    const supervisor = `${process.supervisor.pid} ${process.supervisor.start_time}`;
    if (this.attended.has(supervisor)) return;
    this.attended.add(supervisor);
    const health =
      healthcheck === undefined
        ? undefined
        : watchHealth(roots, container, healthcheck, realTimers, this.report.defect);
    const stop = () => health?.stop();
    this.closing.signal.addEventListener('abort', stop);
    try {
      await awaitExit(roots, id, { keepsAlive: false });
      await supervisorGone(process);
    } finally {
      stop();
      this.closing.signal.removeEventListener('abort', stop);
      this.attended.delete(supervisor);
    }
    if (!this.closing.signal.aborted) this.look(id, false);
  }

  private consider(container: Container, away: boolean): void {
    const { id } = container.document;
    if (this.closing.signal.aborted || this.pauses.has(id) || !this.isWanted(container, away)) return;
    const { process, exit } = container;
    const ran = Date.parse(exit?.finished_at ?? '') - Date.parse(process?.started_at ?? '');
    if (ran >= longRun) this.shortRuns.delete(id);
    this.startLater(id, away);
  }

  private startLater(id: string, away: boolean): void {
    const short = this.shortRuns.get(id) ?? 0;
    this.shortRuns.set(id, short + 1);
    const begin = () => {
      this.pauses.delete(id);
      this.turns
        .take(this.closing.signal, () => this.startAgain(id, away))
        .catch((error: unknown) => this.report.defect(error));
    };
    this.pauses.set(id, setTimeout(begin, pauseAfter(short)).unref());
  }

  private isWanted({ document, exit }: Container, away: boolean): boolean {
    const { id, restart } = document;
    if (restart === undefined) return false;
    const [stopped, restarts] = [isStopped(this.roots, id), restartCount(this.roots, id)];
    return isStartedAgain(restart, { status: exit?.status ?? 137, restarts, stopped, away });
  }

  private async startAgain(id: string, away: boolean): Promise<void> {
    const { roots, report } = this;
    const found = readContainer(roots, id);
    if (found === undefined) return;
    const container = settle(roots, found);
    if (container.state !== 'exited' || !this.isWanted(container, away)) return;
    const { name } = container.document;
    try {
      const started = await startContainer(roots, container, {
        client: null,
        onWarning: (text) => report.note(`container ${name}: ${text}`),
        // Asked again once nobody else can start, stop or remove it.
        again: (now) => this.isWanted(now, away),
      });
      started?.release();
      if (started !== undefined && !away) recordRestarts(roots, id, restartCount(roots, id) + 1);
    } catch (error) {
      if (!(error instanceof BerthError)) throw error;
      // It may have gone, or somebody may be at it: what there is then tells.
      if (readContainer(roots, id) === undefined) return;
      report.note(`container ${name} could not be started again: ${error.message}`);
      this.startLater(id, away);
    }
  }

  private forget(id: string): void {
    clearTimeout(this.pauses.get(id));
    this.pauses.delete(id);
    this.shortRuns.delete(id);
    forgetHealth(this.roots, id);
  }
}
