import { getPriority } from 'node:os';
import { native } from '../native/index.js';
import { isNativeError } from '../native/native-error.js';

/** As of setpriority(2): some ten times the share of a CPU that others get, as long as there is something to do. */
const niceness = -10;

/**
 * The main thread of a daemon, which answers and keeps time, goes before what the host's tasks do: it wants little, and at once. What it starts has none of that. A niceness that
 * somebody has chosen stays, and so does that of a process that may not raise its own.
 */
export function takePrecedence(): void {
  if (getPriority() !== 0) return;
  try {
    native().raiseThread(niceness);
  } catch (error) {
    if (!isNativeError(error) || error.code !== 'EPERM') throw error;
  }
}
