import type { Command } from 'commander';
import { existingSignal } from '../containerizer/container/signals.js';
import type { StopOptions } from '../containerizer/container/stop.js';
import { seconds } from './run-flags/quantity.js';

interface Given {
  signal?: string;
  time?: number;
  timeout?: number;
}

/** What `stop` and `restart` both take. */
export function declareStopping(command: Command): void {
  command
    .argument('<id...>', 'ids or names')
    .option(
      '-s, --signal <signal>',
      "name or number of what is sent first; by default the container's --stop-signal, the image's, or TERM",
    )
    .option(
      '-t, --time <seconds>',
      "how long to wait before SIGKILL; by default the container's --stop-timeout, else 10",
      seconds,
    )
    .option('--timeout <seconds>', 'the same, as newer Docker calls it', seconds);
}

export function stopOptions({ signal, timeout, time = timeout }: Given): StopOptions {
  return {
    ...(signal === undefined ? {} : { signal: existingSignal(signal) }),
    ...(time === undefined ? {} : { graceSeconds: time }),
  };
}
