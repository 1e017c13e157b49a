import { readFileSync } from 'node:fs';

/** The proportional set size of a process in kB (proc_pid_smaps(5)): pages that several share count in parts. */
export function proportionalKilobytes(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const match = /^Pss:\s+(\d+) kB$/m.exec(rollup);
  if (match === null) throw new Error(`/proc/${pid}/smaps_rollup has no Pss`);
  return Number(match[1]);
}
