import { accessSync, constants, existsSync } from 'node:fs';
import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import { native } from '../../native/index.js';
import type { Roots } from '../../state/roots.js';
import { checkCgroups } from './cgroup-checks.js';
import { type CgroupLayout, detectCgroupLayout } from './cgroup-layout.js';
import { type Check, missing } from './check.js';
import { checkIds } from './id-checks.js';
import { containerIds } from './id-range.js';
import { checkKernel } from './kernel-checks.js';
import { readKernelFile } from './kernel-file.js';
import { checkPrivileges } from './privilege-checks.js';
import {
  checkAccounting,
  checkDevNull,
  checkNameServers,
  checkRootSpace,
  checkStateSpace,
} from './resource-checks.js';

export interface HostReport {
  cgroup: Pick<CgroupLayout, 'layout' | 'controllers'>;
  checks: Check[];
}

/**
 * What this host has and lacks for `berth run` with these roots. Changes nothing: what is tried is undone at once, and no
 * cgroup is written to. Works for any user, and says what it could not try.
 */
export async function examineHost(roots: Roots): Promise<HostReport> {
  const layout = detectCgroupLayout();
  const user = process.geteuid?.() ?? -1;
  const storage = existing(roots.root);
  const checks = [
    ...checkPrivileges(readKernelFile, user),
    ...(await probeKernel(layout, user === 0, storage)),
    ...checkCgroups({
      layout,
      read: readKernelFile,
      writable: isWritable,
      systemd: existsSync('/run/systemd/system'),
    }),
    ...checkIds(readKernelFile),
    ...checkRootSpace(roots.root, storage),
    checkStateSpace(roots.state, existing(roots.state)),
    checkDevNull(),
    checkNameServers(readKernelFile),
    ...checkAccounting(readKernelFile),
  ];
  return { cgroup: { layout: layout.layout, controllers: layout.controllers }, checks };
}

async function probeKernel(layout: CgroupLayout, privileged: boolean, storage: string): Promise<Check[]> {
  try {
    const outcomes = await native().probeHost({
      privileged,
      directory: privileged ? storage : null,
      firstId: containerIds.first,
      cgroup: layout.layout === 'unified' ? ownCgroup(layout.unified) : null,
    });
    return checkKernel(outcomes, privileged);
  } catch (error) {
    // Without its addon berth can still say so, and all that needs no system call.
    if (!(error instanceof BerthError) || error.code !== 'NOT_BUILT') throw error;
    return [
      missing(
        'native addon',
        `${error.why}; the kernel could not be tried`,
        error.mend ?? 'Run ./dev build.',
      ),
    ];
  }
}

/** The v2 cgroup of this process (proc_pid_cgroup(5)); null where it lies outside what is mounted. */
function ownCgroup(unified: string | null): string | null {
  const own = /^0::(\/.*)$/m.exec(readKernelFile('/proc/self/cgroup') ?? '')?.[1];
  if (unified === null || own === undefined || own.startsWith('/..')) return null;
  return path.join(unified, own);
}

/** The path itself, or the closest folder above it that exists: where the path will be made. */
function existing(place: string): string {
  return existsSync(place) || place === '/' ? place : existing(path.dirname(place));
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
