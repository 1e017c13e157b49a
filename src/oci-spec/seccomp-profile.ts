import { integer, list, type Of, object, type Shape, ShapeError, text } from './shape.js';

/**
 * Docker's seccomp profile (docs.docker.com, "Seccomp security profiles for Docker"), which Podman and containerd read too: the OCI
 * runtime specification's `linux.seccomp`, with rules that hold only for some capabilities, machines and kernels.
 */
const action = text({
  pattern: /^SCMP_ACT_(ALLOW|ERRNO|KILL|KILL_THREAD|KILL_PROCESS|TRAP|LOG)$/,
  expected: 'an action that berth has (ALLOW, ERRNO, KILL, KILL_THREAD, KILL_PROCESS, TRAP, LOG)',
});

const conditions = object(
  {},
  { arches: list(text()), caps: list(text()), minKernel: text({ pattern: /^\d+\.\d+$/ }) },
);

/** 64 bits, of which JSON as JavaScript reads it keeps 53: a larger one is refused, never rounded. */
const word: Shape<number> = integer(0);

const rule = object(
  { action },
  {
    name: text(),
    names: list(text()),
    errnoRet: integer(0, 4095),
    errno: text(),
    args: list(
      object({ index: integer(0, 5), value: word, op: text({ pattern: /^SCMP_CMP_/ }) }, { valueTwo: word }),
      64,
    ),
    includes: conditions,
    excludes: conditions,
  },
);

const profile = object(
  { defaultAction: action },
  {
    defaultErrnoRet: integer(0, 4095),
    architectures: list(text()),
    archMap: list(object({ architecture: text() }, { subArchitectures: list(text()) })),
    syscalls: list(rule, 4096),
    listenerPath: text(),
  },
);

export type SeccompProfile = Of<typeof profile>;

export const seccompProfileShape: Shape<SeccompProfile> = (value, at) => {
  const found = profile(value, at);
  if (found.listenerPath !== undefined)
    throw new ShapeError('listenerPath', 'absent: berth has no seccomp agents');
  return found;
};
