import type { Isolator } from '../../appc-spec/isolators.js';
import { errnoNumber } from '../container/describe/system-call-set.js';
import type { ContainerOptions } from '../container/options.js';
import type { Report } from './app-options.js';

/** Wildcards that stand for what an implementation allows by itself (ace.md; rkt's documentation, "seccomp guide"). */
const whole = new Set(['@appc.io/all', '@rkt/default-whitelist', '@docker/default-whitelist']);
/** Those that stand for what it blocks by itself. */
const none = new Set(['@rkt/default-blacklist', '@docker/default-blacklist']);

/** The isolators of system calls; they narrow berth's own filter, and no filter of the caller's. */
export function systemCallOptions(
  isolators: readonly Isolator[],
  { seccomp, privileged }: ContainerOptions,
  report: Report,
): Pick<ContainerOptions, 'systemCalls'> {
  if (seccomp !== undefined || privileged) return {};
  for (const each of isolators) {
    if (each.name !== 'os/linux/seccomp-retain-set' && each.name !== 'os/linux/seccomp-remove-set') continue;
    const keep = each.name === 'os/linux/seccomp-retain-set';
    const wildcards = each.set.filter((name) => name.startsWith('@'));
    const names = each.set.filter((name) => !name.startsWith('@'));
    const unknown = wildcards.filter(
      (name) => name !== '@appc.io/empty' && !whole.has(name) && !none.has(name),
    );
    for (const name of unknown) report(`isolator ${each.name} is modified: ${name} is not known`);
    const empty = wildcards.includes('@appc.io/empty');
    if (keep && wildcards.some((name) => whole.has(name))) continue;
    // Empty masks all else: nothing is blocked beside what berth blocks.
    if (!keep && (empty || names.length === 0)) continue;
    const errno = each.errno === '' ? undefined : (errnoNumber(each.errno) ?? eperm);
    return {
      systemCalls: { keep, names: keep && empty ? [] : names, ...(errno === undefined ? {} : { errno }) },
    };
  }
  return {};
}

/** For a code that this machine does not have. */
const eperm = 1;
