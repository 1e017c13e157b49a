import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import type { Roots } from '../../state/roots.js';
import { checkCgroups } from './cgroup-checks.js';
import { type CgroupLayout, describeCgroupLayout } from './cgroup-layout.js';
import { type Check, missing } from './check.js';
import { closestExisting, type HostView, thisHost } from './host-view.js';
import { checkIds } from './id-checks.js';
import { containerIds } from './id-range.js';
import { checkKernel } from './kernel-checks.js';
import { checkPrivileges } from './privilege-checks.js';
import {
  checkAccounting,
  checkDevNull,
  checkNameServers,
  checkRootSpace,
  checkStateSpace,
} from './resource-checks.js';
import { systemdRuns } from './systemd-scope.js';

export interface HostReport {
  cgroup: Pick<CgroupLayout, 'layout' | 'controllers'>;
  checks: Check[];
}

/**
 * What a host, this one if no other is given, has and lacks for `berth run` with these roots. Changes nothing: what is tried is undone at once, and no
 * cgroup is written to. Works for any user, and says what it could not try.
 */
export async function examineHost(roots: Roots, host: HostView = thisHost): Promise<HostReport> {
  const { read, user } = host;
  const layout = describeCgroupLayout(read('/proc/self/mountinfo') ?? '', read, host.exists(systemdRuns));
  const own = ownCgroup(layout, read('/proc/self/cgroup') ?? '');
  const checks = [
    ...checkPrivileges(read, user),
    ...(await probeKernel(host, roots, own)),
    ...checkCgroups(layout, own, host),
    ...checkIds(read),
    ...checkRootSpace(roots.root, host),
    checkStateSpace(roots.state, host),
    checkDevNull(host),
    checkNameServers(read),
    ...checkAccounting(read),
  ];
  return { cgroup: { layout: layout.layout, controllers: layout.controllers }, checks };
}

async function probeKernel(host: HostView, roots: Roots, cgroup: string | null): Promise<Check[]> {
  const privileged = host.user === 0;
  try {
    const outcomes = await host.probe({
      privileged,
      directory: privileged ? closestExisting(host, roots.root) : null,
      firstId: containerIds.first,
      cgroup,
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

/** The cgroup of this process in a unified hierarchy (proc_pid_cgroup(5)); null where there is none, or it lies outside what is mounted. */
function ownCgroup({ layout, unified }: CgroupLayout, cgroups: string): string | null {
  const own = /^0::(\/.*)$/m.exec(cgroups)?.[1];
  if (layout !== 'unified' || unified === null || own === undefined || own.startsWith('/..')) return null;
  return path.join(unified, own);
}
