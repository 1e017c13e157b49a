import { readFileSync } from 'node:fs';

/** A process's name for good: its pid and when it started, in clock ticks since this boot. */
export interface ProcessName {
  pid: number;
  start_time: number;
}

let bootId: string | undefined;

/** Names this boot of the host (random(4)): pids and start times of another one mean nothing. */
export function currentBootId(): string {
  bootId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return bootId;
}

/** Is that very process alive? A zombie is not. */
export function isAlive(name: ProcessName, boot: string): boolean {
  if (boot !== currentBootId()) return false;
  let stat: string;
  try {
    stat = readFileSync(`/proc/${name.pid}/stat`, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return false;
    throw error;
  }
  // What follows the command's name, which ends at the last parenthesis, starts with field 3 (proc(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] !== 'Z' && Number(fields[22 - 3]) === name.start_time;
}
