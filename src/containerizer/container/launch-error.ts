import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';
import { BerthError } from '../../errors/berth-error.js';
import type { ErrorCode } from '../../errors/table.js';
import { isNativeError } from '../../native/index.js';
import { containerIds } from '../host/id-range.js';
import type { LaunchFailure } from './leash.js';

const { errno } = constants;

/** Turns what the supervisor reports into what a person can act on. */
export function explainFailure(failure: LaunchFailure, image: string): BerthError {
  const told = explain(failure, image);
  const error = new BerthError(told.code, {
    what: told.what,
    why: told.why,
    ...(told.mend === undefined ? {} : { mend: told.mend }),
  });
  return failure.cleanup_errno === 0
    ? error
    : error.alsoFailed(new Error(describeErrno(failure.cleanup_errno)));
}

interface Told {
  code: ErrorCode;
  what: string;
  why: string;
  mend?: string;
}

function explain(failure: LaunchFailure, image: string): Told {
  const { step, subject, errno: number } = failure;
  const why = describeErrno(number);
  if (step === 'exec') return explainExec(failure, image);
  if (number === errno.ENOSPC) {
    return {
      code: 'NO_SPACE',
      what: `launch (${step} ${subject})`,
      why,
      mend: 'Free space: berth rm, berth image rm.',
    };
  }
  switch (step) {
    case 'start':
      return {
        code: 'LAUNCH_FAILED',
        what: 'launch',
        why: 'the first process was killed before its program could run',
        mend: 'A memory limit that is too small does this.',
      };
    case 'user':
      return {
        code: 'USER_UNKNOWN',
        what: `user ${subject}`,
        why: explainUser(number, image),
        mend: 'Give a number, or a name from /etc/passwd of the image.',
      };
    case 'volume':
      return {
        code: 'LAUNCH_FAILED',
        what: `volume ${subject}`,
        why,
        ...(number === errno.ENOENT ? { mend: 'Make it on the host first.' } : {}),
      };
    case 'idmap':
      if (subject !== '') {
        return {
          code: 'HOST_LACKS',
          what: `volume ${subject}`,
          why: `its file system cannot be id-mapped (${why})`,
          mend: 'Add :noidmap to show its owners as nobody, or run with --userns host.',
        };
      }
      break;
    case 'interface':
      return {
        code: 'LAUNCH_FAILED',
        what: `network interface ${subject}`,
        why: number === errno.ENODEV ? 'the network was removed meanwhile' : why,
        mend: 'See berth doctor: bridges and veth pairs are needed; or use --network host.',
      };
    case 'ports':
      return {
        code: 'LAUNCH_FAILED',
        what: 'published ports',
        why: `the packet filter refuses them (${why})`,
        mend: 'See berth gc, which makes its table anew if somebody took it away.',
      };
    case 'cwd':
      return {
        code: 'LAUNCH_FAILED',
        what: `working directory ${subject}`,
        why: number === errno.EXDEV ? 'it lies outside the container' : why,
      };
    case 'layers':
      return {
        code: 'HOST_LACKS',
        what: `layers in ${subject}`,
        why: `their file system cannot be id-mapped (${why})`,
        mend: 'Put --root on ext4, xfs or btrfs, or run with --userns host.',
      };
    case 'tree':
      return {
        code: number === errno.ENOENT || number === errno.ENOTDIR ? 'IMAGE_NOT_FOUND' : 'HOST_LACKS',
        what: `root file system ${subject}`,
        why:
          number === errno.ENOENT || number === errno.ENOTDIR
            ? 'there is no such folder'
            : `it cannot be id-mapped (${why})`,
        mend: 'Use a folder on ext4, xfs or btrfs, load it into the store (berth image load dir:FOLDER NAME), or run with --userns host.',
      };
    case 'overlay':
      return {
        code: 'HOST_LACKS',
        what: `overlay file system with upper directory ${subject}`,
        why: number === errno.EROFS ? 'the kernel would mount it read-only' : why,
        mend: 'See berth doctor; --root must lie on a file system that can be an overlay upper directory.',
      };
    case 'limits':
      return {
        code: 'LIMIT_UNENFORCEABLE',
        what: `--ulimit ${subject}`,
        why:
          number === errno.EPERM
            ? 'it is above the limit that berth itself has, and this host lets nobody raise it'
            : why,
        ...(number === errno.EPERM
          ? { mend: 'Raising one takes CAP_SYS_RESOURCE outside the container.' }
          : {}),
      };
    case 'sysctl':
      return {
        code: 'LAUNCH_FAILED',
        what: `--sysctl ${subject.replaceAll('/', '.')}`,
        why:
          number === errno.ENOENT
            ? 'this kernel has no such setting'
            : number === errno.EACCES || number === errno.EPERM
              ? 'this kernel lets root of the host alone change it'
              : why,
        ...(number === errno.EACCES || number === errno.EPERM ? { mend: 'Run with --userns host.' } : {}),
      };
    case 'mount':
      if (number === errno.EISDIR) {
        return {
          code: 'LAUNCH_FAILED',
          what: `volume at ${subject}`,
          why: `image ${image} has a folder there, and its source is a file`,
          mend: 'Name the file too: SOURCE:FOLDER/NAME.',
        };
      }
      return {
        code: 'LAUNCH_FAILED',
        what: `mount ${subject}`,
        why:
          number === errno.ELOOP || number === errno.ENOTDIR
            ? `image ${image} has something else than a folder there (${why})`
            : why,
      };
  }
  return {
    code: 'LAUNCH_FAILED',
    what: `launch, step ${step}${subject === '' ? '' : ` (${subject})`}`,
    why: `${failure.syscall}: ${why}`,
    mend: 'See berth doctor for what this host lacks.',
  };
}

function explainUser(number: number, image: string): string {
  if (number === errno.ERANGE) return 'it is not a valid id';
  if (number === errno.EINVAL)
    return `its id is not one of the container's: those are 0 to ${containerIds.size - 1}`;
  if (number === errno.ENOENT) return `image ${image} has no such user or group`;
  return describeErrno(number);
}

function explainExec({ subject, errno: number, syscall }: LaunchFailure, image: string): Told {
  const what = `command ${subject}`;
  if (syscall === 'interpreter') {
    return {
      code: 'COMMAND_NOT_FOUND',
      what,
      why: `it is in image ${image}, but the interpreter or loader that it names is not`,
      mend: 'Check its first line (#!), or that it was built for the C library of the image.',
    };
  }
  if (number === errno.ENOENT) return { code: 'COMMAND_NOT_FOUND', what, why: `not found in image ${image}` };
  if (number === errno.EACCES || number === errno.EISDIR) {
    return {
      code: 'COMMAND_NOT_EXECUTABLE',
      what,
      why: 'permission denied: it is not an executable file for this user',
    };
  }
  if (number === errno.E2BIG) {
    return {
      code: 'LAUNCH_FAILED',
      what,
      why: 'its arguments and variables are too long',
      mend: 'Linux takes 128 KiB in one, and a quarter of the stack limit in all (execve(2)).',
    };
  }
  if (number === errno.ENOEXEC) {
    return {
      code: 'COMMAND_NOT_EXECUTABLE',
      what,
      why: 'exec format error: no program for this machine, and no script that names its interpreter (#!)',
    };
  }
  return { code: 'COMMAND_NOT_EXECUTABLE', what, why: describeErrno(number) };
}

/** What the launcher refuses before any process is started. */
export function explainRefusal(error: unknown, what: string): unknown {
  if (!isNativeError(error)) return error;
  const mend = error.hint === undefined ? {} : { mend: error.hint };
  switch (error.code) {
    case 'LIMIT_UNENFORCEABLE':
      return new BerthError('LIMIT_UNENFORCEABLE', {
        what: `limit on ${error.path}`,
        why: error.step ?? '',
        ...mend,
        cause: error,
      });
    case 'LIMIT_REFUSED':
      return new BerthError('LIMIT_REFUSED', {
        what: `limit on ${error.path}`,
        why: `${error.step}: ${describeErrno(error.errno)}`,
        ...mend,
        cause: error,
      });
    case 'BAD_IMAGE':
      return new BerthError('STATE_DAMAGED', {
        what: `layer ${error.path}`,
        why: error.step ?? error.message,
        mend: 'Bring its image again: berth image pull, berth image load.',
        cause: error,
      });
    case 'BAD_CONFIG':
      return new BerthError('LAUNCH_FAILED', { what, why: error.path ?? error.message, cause: error });
    case 'ENOSPC':
      return new BerthError('NO_SPACE', {
        what,
        why: `no space left at ${error.path}`,
        mend: 'Free space: berth rm, berth image rm.',
        cause: error,
      });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      if (error.step === 'cgroup') {
        return new BerthError('HOST_LACKS', {
          what: `cgroup ${error.path}`,
          why: `cannot be made (${error.code})`,
          mend: 'Run berth on the host itself, or with the cgroup hierarchy mounted read-write and delegated; see berth doctor.',
          cause: error,
        });
      }
      return new BerthError('NOT_ROOT', {
        what,
        why: `not permitted: ${error.syscall} ${error.path ?? ''}`.trim(),
        mend: 'Run berth as root.',
        cause: error,
      });
    default:
      return new BerthError('LAUNCH_FAILED', {
        what,
        why: `${error.step ?? 'launch'}: ${error.message}`,
        ...mend,
        cause: error,
      });
  }
}

export function describeErrno(number: number): string {
  const [name, text] = getSystemErrorMap().get(-number) ?? [];
  if (name !== undefined) return `${text} (${name})`;
  // Node has words only for the errors that its own calls can meet.
  return Object.entries(errno).find(([, value]) => value === number)?.[0] ?? `errno ${number}`;
}
