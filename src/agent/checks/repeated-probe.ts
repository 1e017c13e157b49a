import { type Finding, type Probe, Unanswered } from './probe.js';
import type { Timers } from './timers.js';

/** When to look. Milliseconds. */
export interface Rhythm {
  /** Before the first time. */
  delay: number;
  /** From the end of one to the next. */
  interval: number;
  /** For each to answer; 0: any time. */
  timeout: number;
}

/** Looks again and again, one look at a time, and tells what came of each. */
export class RepeatedProbe {
  private stopped = false;
  private callOff: () => void;
  private looking: AbortController | undefined;

  /** @param tell The finding, or why there was none. */
  constructor(
    private readonly probe: Probe,
    private readonly rhythm: Rhythm,
    private readonly timers: Timers,
    private readonly tell: (found: Finding | Unanswered) => void,
    private readonly onDefect: (error: unknown) => void,
  ) {
    this.callOff = timers.after(rhythm.delay, () => void this.look());
  }

  stop(): void {
    this.stopped = true;
    this.callOff();
    this.looking?.abort();
  }

  private async look(): Promise<void> {
    const looking = new AbortController();
    this.looking = looking;
    const found = await this.inTime(looking);
    this.looking = undefined;
    if (this.stopped) return;
    if (found !== undefined) this.tell(found);
    // Whoever was told may have had enough.
    if (!this.stopped) this.callOff = this.timers.after(this.rhythm.interval, () => void this.look());
  }

  /** Undefined: it could not be tried. */
  private async inTime(looking: AbortController): Promise<Finding | Unanswered | undefined> {
    const { timeout } = this.rhythm;
    let callOff = () => {};
    const late = new Promise<Unanswered>((resolve) => {
      const end = () => resolve(new Unanswered(`it took longer than ${timeout / 1000} seconds`));
      if (timeout > 0) callOff = this.timers.after(timeout, end);
      looking.signal.addEventListener('abort', end);
    });
    try {
      return await Promise.race([this.probe(looking.signal), late]);
    } catch (error) {
      if (error instanceof Unanswered) return error;
      this.onDefect(error);
      return undefined;
    } finally {
      callOff();
      looking.abort();
    }
  }
}
