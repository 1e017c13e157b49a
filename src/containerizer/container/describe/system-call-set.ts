import { constants } from 'node:os';
import type { Seccomp, SeccompRule } from '../../../oci-spec/runtime.js';
import type { SystemCallSet } from '../options.js';

/** Without these no program can even begin, end, or be ended. */
const least = ['execve', 'exit', 'exit_group', 'rt_sigreturn', 'restart_syscall'];

/**
 * A filter that allows less: appc's `os/linux/seccomp-retain-set` and `-remove-set` (ace.md). What the filter did not allow before it does not allow after,
 * whatever a set says.
 */
export function restricted(filter: Seccomp, { keep, names, errno }: SystemCallSet): Seccomp {
  const listed = new Set(keep ? [...names, ...least] : names);
  const answer: Pick<SeccompRule, 'action' | 'errnoRet'> =
    errno === undefined ? { action: 'SCMP_ACT_KILL_PROCESS' } : { action: 'SCMP_ACT_ERRNO', errnoRet: errno };
  const rules = filter.syscalls.flatMap((rule): SeccompRule[] => {
    const stay = rule.names.filter((name) => listed.has(name) === keep);
    return stay.length === 0 ? [] : [{ ...rule, names: stay }];
  });
  if (!keep) return { ...filter, syscalls: [...rules, { names: [...listed], ...answer }] };
  const { defaultErrnoRet: _, ...rest } = filter;
  return {
    ...rest,
    defaultAction: answer.action,
    ...(answer.errnoRet === undefined ? {} : { defaultErrnoRet: answer.errnoRet }),
    syscalls: rules.filter(({ action }) => action === 'SCMP_ACT_ALLOW'),
  };
}

/** The number of an errno by its name; undefined: this machine has none. */
export function errnoNumber(name: string): number | undefined {
  const numbers: Readonly<Record<string, number>> = constants.errno;
  return Object.hasOwn(numbers, name) ? numbers[name] : undefined;
}
