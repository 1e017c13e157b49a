import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { projectFolder } from '../source-files.js';

/** load.cc, static: it runs in any container. `./dev test` builds it. */
export const loadProgram = path.join(projectFolder, 'build/test/load');

/** Runs load.cc: processes whose threads do known things. Everything started is ended by `end`. */
export class Loads {
  readonly folder = mkdtempSync(path.join(os.tmpdir(), 'berth-test-inspect-'));
  readonly #children: ChildProcess[] = [];

  /**
   * Starts one process with these threads and resolves to its pid once they all run. `cpu` pins it to one CPU; into a
   * `cgroup` it goes before it does anything.
   */
  async start(threads: string[], cpu?: number, cgroup?: string): Promise<number> {
    const pinned = cpu === undefined ? '' : `taskset -c ${cpu} `;
    const joined = cgroup === undefined ? '' : `echo $$ >${cgroup}/cgroup.procs && `;
    const child = spawn('sh', ['-c', `${joined}exec ${pinned}"$0" "$@"`, loadProgram, ...threads], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, TMPDIR: this.folder },
    });
    this.#children.push(child);
    await once(child.stdout, 'data');
    if (child.pid === undefined) throw new Error('no process');
    return child.pid;
  }

  async end(pid: number): Promise<void> {
    const child = this.#children.find((one) => one.pid === pid);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  async endAll(): Promise<void> {
    for (const { pid } of this.#children) if (pid !== undefined) await this.end(pid);
    rmSync(this.folder, { recursive: true });
  }
}

/** The fields of /proc/PID/stat from the third on, by their numbers in proc_pid_stat(5). */
export function statField(pid: number, number: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[number - 3]);
}

export function sleep(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
