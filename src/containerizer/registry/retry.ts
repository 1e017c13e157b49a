import { setTimeout as sleep } from 'node:timers/promises';
import { BerthError } from '../../errors/berth-error.js';
import type { TransferLimits } from './limits.js';
import { Transient } from './trouble.js';

/** Told before each wait: why, and for how many milliseconds. */
export type OnRetry = (reason: string, delay: number) => void;

/** Attempts and waits of one pull or push: what it may wait all together is one sum, whatever is tried again. */
export class Retries {
  #waited = 0;

  constructor(
    private readonly limits: TransferLimits,
    private readonly signal: AbortSignal,
    private readonly onRetry: OnRetry,
  ) {}

  /**
   * Does something until it succeeds, or fails for good. `attempt` is told how many attempts in a row have failed, and may say by `progress` that it got further,
   * which starts the count anew.
   */
  async run<T>(what: string, attempt: (progress: () => void) => Promise<T>): Promise<T> {
    let failed = 0;
    for (;;) {
      try {
        return await attempt(() => {
          failed = 0;
        });
      } catch (error) {
        if (this.signal.aborted) throw this.signal.reason;
        if (!(error instanceof Transient)) throw error;
        failed += 1;
        const delay = this.#delay(failed, error.after);
        if (failed >= this.limits.attempts || this.#waited + delay > this.limits.totalDelay) {
          throw givenUp(what, error, failed, this.limits.totalDelay);
        }
        this.onRetry(error.reason, delay);
        this.#waited += delay;
        await this.#pause(delay);
      }
    }
  }

  async #pause(delay: number): Promise<void> {
    try {
      await sleep(delay, undefined, { signal: this.signal });
    } catch {
      throw this.signal.reason;
    }
  }

  /** What the server says, for whoever comes back earlier is only counted once more; else exponential, somewhere in its upper half, so that many who were refused at once do not come back at once. */
  #delay(failed: number, after: number | undefined): number {
    const { firstDelay, longestDelay } = this.limits;
    const full = Math.min(firstDelay * 2 ** (failed - 1), longestDelay);
    return Math.max(after ?? 0, full * (0.5 + Math.random() / 2));
  }
}

function givenUp(
  what: string,
  { reason, limited, after = 0, cause }: Transient,
  attempts: number,
  patience: number,
): BerthError {
  const times = attempts === 1 ? '' : `, ${attempts} times in a row`;
  const later = after > patience ? `, and says to come back in ${inWords(after)}` : '';
  return limited
    ? new BerthError('REGISTRY_LIMITED', {
        what,
        why: `${reason}${later}`,
        mend: `Wait${later === '' ? '' : ' so long'} and try again, or log in, which raises the limit of most registries: berth login REGISTRY.`,
        cause,
      })
    : new BerthError('REGISTRY_FAILED', {
        what,
        why: `${reason}${times}${later}`,
        mend: 'Try again: what has been fetched is kept, and only the rest is asked for.',
        cause,
      });
}

function inWords(milliseconds: number): string {
  const minutes = Math.ceil(milliseconds / 60_000);
  return minutes < 120 ? `${minutes} minutes` : `${Math.ceil(minutes / 60)} hours`;
}

/** Seconds or a date (RFC 9110, 10.2.3), in milliseconds from now. */
export function retryAfter(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}
