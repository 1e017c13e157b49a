import { BerthError } from '../../../errors/berth-error.js';
import type { Seccomp, SeccompAction, SeccompRule } from '../../../oci-spec/runtime.js';
import type { SeccompProfile } from '../../../oci-spec/seccomp-profile.js';

type Conditions = NonNullable<NonNullable<SeccompProfile['syscalls']>[number]['includes']>;

/** What Docker and libseccomp call this machine. */
const machine = 'SCMP_ARCH_X86_64';
const goMachine = 'amd64';

/** A profile in Docker's form as config.json has it: the rules that hold for these capabilities on this machine. */
export function seccompOf(profile: SeccompProfile, held: readonly string[]): Seccomp {
  const architectures =
    profile.architectures ??
    profile.archMap
      ?.filter(({ architecture }) => architecture === machine)
      .flatMap(({ architecture, subArchitectures = [] }) => [architecture, ...subArchitectures]);
  const rules = (profile.syscalls ?? []).filter(
    ({ includes = {}, excludes = {} }) => included(includes, held) && !excluded(excludes, held),
  );
  return {
    defaultAction: profile.defaultAction as SeccompAction,
    ...(profile.defaultErrnoRet === undefined ? {} : { defaultErrnoRet: profile.defaultErrnoRet }),
    architectures: architectures ?? [machine],
    syscalls: rules.map((rule, index): SeccompRule => {
      const names = [...(rule.names ?? []), ...(rule.name === undefined ? [] : [rule.name])];
      if (names.length === 0) throw invalid(`rule ${index + 1} names no system call`);
      return {
        names,
        action: rule.action as SeccompAction,
        ...(rule.errnoRet === undefined ? {} : { errnoRet: rule.errnoRet }),
        ...(rule.args === undefined || rule.args.length === 0 ? {} : { args: rule.args }),
      };
    }),
  };
}

/** Every condition must hold: all capabilities, one of the machines. Every kernel that berth runs on is newer than any that profiles ask for. */
function included({ caps = [], arches = [] }: Conditions, held: readonly string[]): boolean {
  return caps.every((name) => held.includes(name)) && (arches.length === 0 || arches.includes(goMachine));
}

/** One condition that holds is enough. */
function excluded({ caps = [], arches = [], minKernel }: Conditions, held: readonly string[]): boolean {
  return caps.some((name) => held.includes(name)) || arches.includes(goMachine) || minKernel !== undefined;
}

function invalid(why: string): BerthError {
  return new BerthError('USAGE', { what: 'seccomp profile', why });
}
