import { BerthError } from '../../../errors/berth-error.js';
import type { RuntimeLinux, Seccomp } from '../../../oci-spec/runtime.js';
import type { ContainerOptions } from '../options.js';
import { capabilitySet } from './capabilities.js';
import * as defaults from './defaults.js';
import { defaultSeccomp } from './seccomp.js';
import { seccompOf } from './seccomp-profile.js';
import { restricted } from './system-call-set.js';

/**
 * The capabilities of the program. `own` are those that berth itself has, where the container shares its user namespace: nobody can give what he does not
 * have, so that ALL means all of these.
 */
export function capabilities(options: ContainerOptions, own?: readonly string[]): string[] {
  const add = options.privileged ? ['ALL', ...options.capAdd] : options.capAdd;
  return capabilitySet(add, options.capDrop, own);
}

export function noNewPrivileges(options: ContainerOptions): boolean {
  return options.noNewPrivileges ?? !options.privileged;
}

/** Undefined: no filter. */
export function systemCallFilter(
  { seccomp, privileged, systemCalls }: ContainerOptions,
  held: readonly string[],
): Seccomp | undefined {
  if (seccomp === 'unconfined' || (privileged && seccomp === undefined)) return undefined;
  if (seccomp !== undefined) return seccompOf(seccomp.profile, held);
  const filter = defaultSeccomp(held);
  return systemCalls === undefined ? filter : restricted(filter, systemCalls);
}

/** What hides the host's knobs and secrets in /proc and /sys, and what the caller wants hidden. */
export function masks(options: ContainerOptions): Pick<RuntimeLinux, 'maskedPaths' | 'readonlyPaths'> {
  const { mask, unmask, privileged } = options;
  const kept = (paths: readonly string[]) =>
    privileged || unmask === 'all' ? [] : paths.filter((path) => !unmask.includes(path));
  // Looked for in the container, it would be found nowhere, and nothing hidden.
  for (const each of mask)
    if (!each.startsWith('/'))
      throw new BerthError('USAGE', { what: `mask ${each}`, why: 'it is no absolute path' });
  return {
    maskedPaths: [...kept(defaults.maskedPaths), ...mask],
    readonlyPaths: kept(defaults.readonlyPaths),
  };
}
