import type { ExitDocument, OomDocument } from './document.js';

const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];

function size(bytes: number): string {
  let left = bytes;
  let unit = 0;
  for (; left >= 1024 && unit < units.length - 1; unit++) left /= 1024;
  return `${Number(left.toFixed(1))} ${units[unit]}`;
}

/** Why a container ended as it did, in words; null: there is nothing to explain. */
export function reasonOf(exit: ExitDocument | undefined): string | null {
  if (exit === undefined) return null;
  if (exit.reason !== undefined) return exit.reason;
  if (exit.oom !== undefined) return oomReason(exit.oom);
  return exit.oom_killed ? 'killed for want of memory' : null;
}

function oomReason({ kills, process, pid, level, cgroup, limit }: OomDocument): string {
  const victim = process === null ? 'a process of it' : `${process} (pid ${pid} on the host)`;
  const of = limit === null ? '' : ` of ${size(limit)}`;
  const places: Record<NonNullable<OomDocument['level']> | 'unknown', string> = {
    container: ` at the container's limit${of}`,
    above: ` at the limit of cgroup ${cgroup ?? 'around it'}${of}`,
    host: ', the host itself having run out',
    unknown: limit === null ? '' : `; the container's limit is ${size(limit)}`,
  };
  const more = kills > 1 ? `; ${kills} processes in all` : '';
  return `killed for want of memory: ${victim}${places[level ?? 'unknown']}${more}`;
}
