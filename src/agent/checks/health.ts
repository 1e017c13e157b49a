import { describe, type Finding, isHealthy, Unanswered } from './probe.js';
import type { Timers } from './timers.js';

export interface Health {
  healthy: boolean;
  /** It has failed so often in a row that it must be killed. */
  kill: boolean;
  /** Why it is not healthy. */
  why: string | undefined;
}

/**
 * Makes health of findings, as the reference does: told are the first success, the first after failures, and every failure; but no failure in the grace period before the first
 * success.
 */
export class HealthJudge {
  private readonly begun: number;
  private judged = false;
  private failures = 0;

  /** @param grace Milliseconds from now. @param most How many failures in a row are too many. */
  constructor(
    private readonly grace: number,
    private readonly most: number,
    private readonly timers: Timers,
  ) {
    this.begun = timers.now();
  }

  /** Undefined: there is nothing to tell. */
  judge(found: Finding | Unanswered): Health | undefined {
    const good = !(found instanceof Unanswered) && isHealthy(found);
    if (good) {
      const news = !this.judged || this.failures > 0;
      this.judged = true;
      this.failures = 0;
      return news ? { healthy: true, kill: false, why: undefined } : undefined;
    }
    if (!this.judged && this.timers.now() - this.begun <= this.grace && this.grace > 0) return undefined;
    this.judged = true;
    this.failures++;
    const why = found instanceof Unanswered ? found.message : describe(found);
    return { healthy: false, kill: this.failures >= this.most, why };
  }
}
