import { realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { unfit } from './workload.js';

/** What of the host's own files containers may have as volumes. Absolute paths without links. */
export interface HostFolders {
  /** With all below them. */
  allowed: readonly string[];
  /** Neither these, nor what lies in them, nor what they lie in. */
  hidden: readonly string[];
}

/** The kernel's own: what is written there is the host's. */
const kernels = ['/proc', '/sys', '/dev'];

/** The folder or file that a volume of the host's is of, with no link in its path. Throws where the agent does not show it. */
export function hostFolder(given: string, { allowed, hidden }: HostFolders): string {
  const source = realPath(given);
  if (source === undefined) throw unfit(`volume of ${given}`, 'there is no such file or folder on this host');
  const known = [...hidden.map(real), ...kernels];
  if (known.some((each) => isIn(source, each) || isIn(each, source)) || leadsInto(source, known))
    throw unfit(
      `volume of ${given}`,
      'it would show what is not for tasks: the kernel’s settings or berth’s own state',
    );
  if (!allowed.some((each) => isIn(source, real(each))))
    throw unfit(
      `volume of ${given}`,
      `it is in none of the host_volumes of this agent (${allowed.join(', ') || 'it has none'})`,
      'Add its folder to host_volumes in the configuration of the agent.',
    );
  return source;
}

/** Absolute and without links as far as it is there. */
export function real(given: string): string {
  const absolute = path.resolve(given);
  const found = realPath(absolute);
  if (found !== undefined || absolute === '/') return found ?? absolute;
  return path.join(real(path.dirname(absolute)), path.basename(absolute));
}

function realPath(given: string): string | undefined {
  try {
    return realpathSync.native(given);
  } catch {
    // Not there, or out of reach: the same to who asks.
    return undefined;
  }
}

const isIn = (inner: string, outer: string): boolean =>
  inner === outer || inner.startsWith(outer === '/' ? outer : `${outer}/`);

/** A bind mount shows the same folder at another path. */
function leadsInto(source: string, hidden: readonly string[]): boolean {
  const doors = new Set(hidden.map(identity));
  for (let folder = source; ; folder = path.dirname(folder)) {
    const here = identity(folder);
    if (here !== undefined && doors.has(here)) return true;
    if (folder === path.dirname(folder)) return false;
  }
}

function identity(file: string): string | undefined {
  const status = statSync(file, { throwIfNoEntry: false });
  return status && `${status.dev}:${status.ino}`;
}
