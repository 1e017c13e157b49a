import { closeSync, openSync, readdirSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { BerthError } from '../errors/berth-error.js';
import { native } from '../native/index.js';
import { FileLock } from './lock.js';

/**
 * A file that a person asked for: `make` writes it under another name, and it appears when it is complete, or not at all. A link is followed. What is there
 * and is no file (a device, a fifo) is written to as it is: nothing takes its place.
 */
export async function makeOutputFile<T>(file: string, make: (fd: number) => Promise<T>): Promise<T> {
  const before = statSync(file, { throwIfNoEntry: false });
  if (before?.isDirectory()) {
    throw new BerthError('USAGE', {
      what: `output ${file}`,
      why: 'it is a folder',
      mend: 'Name the file that is to be written.',
    });
  }
  if (before !== undefined && !before.isFile()) return withFile(file, make);
  return underOtherName(before === undefined ? file : realpathSync(file), '', (making) =>
    withFile(making, make),
  );
}

/** A folder that a person asked for, and that is not there yet: `make` makes it under another name. */
export function makeOutputFolder<T>(folder: string, make: (making: string) => Promise<T>): Promise<T> {
  return underOtherName(folder, beside, make);
}

/** What a folder that is being made is called, after the lock that says that its maker is alive; a file is that lock itself. */
const beside = '.folder';

async function underOtherName<T>(
  target: string,
  suffix: string,
  make: (making: string) => Promise<T>,
): Promise<T> {
  const start = `.${path.basename(target)}.berth-`;
  if (!statSync(path.dirname(target), { throwIfNoEntry: false })?.isDirectory())
    throw new BerthError('USAGE', { what: `output ${target}`, why: 'there is no such folder to put it in' });
  await discardDead(path.dirname(target), start);
  const own = path.join(path.dirname(target), `${start}${process.pid}`);
  const making = `${own}${suffix}`;
  const locking = FileLock.take(own);
  const discard = async () => {
    const lock = await locking;
    await native().removeTree(making);
    rmSync(own, { force: true });
    lock.release();
  };
  startMaking(discard);
  try {
    await locking;
    const made = await make(making);
    renameSync(making, target);
    return made;
  } finally {
    await discard().finally(() => endMaking(discard));
  }
}

type Discard = () => Promise<void>;

/** Of all that this process is making. */
const makings = new Set<Discard>();

function startMaking(discard: Discard): void {
  if (makings.size === 0) for (const signal of endings) process.on(signal, stop);
  makings.add(discard);
}

function endMaking(discard: Discard): void {
  makings.delete(discard);
  if (makings.size === 0) for (const signal of endings) process.off(signal, stop);
}

/** Ends the process as the signal would have, when nothing half made is left of anything. */
function stop(signal: NodeJS.Signals): void {
  for (const each of endings) process.off(each, stop);
  const end = () => process.kill(process.pid, signal);
  Promise.allSettled([...makings].map((discard) => discard())).then(end, end);
}

/** What people end a command with; otherwise what is half made would stay where they look. */
const endings = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Removes what makers of the same thing left that were killed. */
async function discardDead(folder: string, start: string): Promise<void> {
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(start) || !/^\d+$/.test(name.slice(start.length))) continue;
    const own = path.join(folder, name);
    const lock = FileLock.attempt(own);
    if (lock === undefined) continue;
    await native().removeTree(`${own}${beside}`);
    lock.discard();
  }
}

async function withFile<T>(file: string, make: (fd: number) => Promise<T>): Promise<T> {
  const fd = openSync(file, 'w', 0o600);
  try {
    return await make(fd);
  } finally {
    closeSync(fd);
  }
}
