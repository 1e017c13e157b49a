import { isatty } from 'node:tty';
import { report } from '../report.js';

/** Resolves with the status to end with, when a signal says so or, if asked, standard input has an end. `end`: for whoever else knows. */
export function awaitEnding(withStdin: boolean): { status: Promise<number>; end(status: number): void } {
  let end: (status: number) => void = () => {};
  const status = new Promise<number>((resolve) => {
    end = (given) => {
      // It would keep the process.
      if (withStdin) process.stdin.destroy();
      resolve(given);
    };
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end(0));
  if (withStdin) {
    process.stdin.resume();
    for (const event of ['end', 'error', 'close'] as const) process.stdin.once(event, () => end(0));
  }
  return { status, end };
}

/** Calls at each SIGHUP. At a terminal that is its end, and the daemon's with it. */
export function onHangUp(call: () => void): void {
  if (![0, 1, 2].some((descriptor) => isatty(descriptor))) process.on('SIGHUP', call);
}

/** For a daemon that does not come to be. What it has opened already, a door or what watches containers, would hold its process for ever. */
export const giveUp =
  (name: string) =>
  (error: unknown): never =>
    process.exit(report(error, name));
