import type { RestartPolicy } from '../../containerizer/keeping/wishes.js';

/** How a container came to be at its end. */
export interface Ending {
  status: number;
  /** How often it was started again already. */
  restarts: number;
  /** Somebody wanted it. */
  stopped: boolean;
  /** The agent was not there meanwhile: the host may have been restarted. */
  away: boolean;
}

/** Whether it is started again, as Docker decides (docs.docker.com, Start containers automatically). */
export function isStartedAgain(
  { name, maximum_retries }: RestartPolicy,
  { status, restarts, stopped, away }: Ending,
): boolean {
  switch (name) {
    case 'no':
      return false;
    case 'always':
      return away || !stopped;
    case 'unless-stopped':
      return !stopped;
    case 'on-failure':
      return !stopped && status !== 0 && (maximum_retries === 0 || restarts < maximum_retries);
  }
}

/** Milliseconds before a container is started again whose last runs, so many of them, were short. */
export function pauseAfter(shortRuns: number): number {
  return Math.min(longestPause, firstPause * 2 ** Math.min(shortRuns, 32));
}

const firstPause = 100;
const longestPause = 60_000;

/** Milliseconds: one that ran so long was well. */
export const longRun = 10_000;
