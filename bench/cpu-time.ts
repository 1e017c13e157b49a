import { readFileSync } from 'node:fs';

/** USER_HZ: what proc(5) counts in, whatever the kernel's own tick. */
const ticksPerSecond = 100;

/**
 * CPU time in milliseconds that a process, all its threads, and the descendants that it has waited for have used
 * (proc_pid_stat(5), fields 14 to 17): take the difference over many launches, for one tick is 10 ms.
 */
export function cpuMilliseconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = [14, 15, 16, 17].reduce((sum, field) => sum + Number(fields[field - 3]), 0);
  return (ticks / ticksPerSecond) * 1000;
}
