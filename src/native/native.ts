import type { AciCalls } from './aci.js';
import type { ArchiveCalls } from './archive.js';
import type { LayerImageCalls } from './layer-image.js';
import type { NetworkCalls } from './network.js';
import type { PackCalls } from './pack.js';
import type { ProbeCalls } from './probe.js';
import type { SampleCalls } from './sample.js';
import type { SandboxCalls } from './sandbox.js';
import type { SocketCalls } from './socket.js';
import type { TerminalCalls } from './terminal.js';
import type { LockCalls, UnpackCalls } from './unpack.js';

/**
 * The typed face of the C++ addon. Every call that can block answers with a promise and runs on a thread of its own; the
 * others take microseconds. Failures are `NativeError`s.
 */
export interface Native
  extends AciCalls,
    ArchiveCalls,
    DiskUsageCalls,
    JournalCalls,
    LaunchCalls,
    LayerImageCalls,
    LockCalls,
    NetworkCalls,
    PackCalls,
    ProbeCalls,
    ProcessCalls,
    SampleCalls,
    SandboxCalls,
    SocketCalls,
    TerminalCalls,
    UnpackCalls {}

export interface DiskUsageCalls {
  /**
   * The bytes that each of these trees takes of its disk beside those before it: blocks, and a file with several names once. No link is followed, no other file system
   * entered; what is not there takes none.
   */
  diskUsage(paths: string[]): Promise<number[]>;
}

export interface JournalCalls {
  /** Appends one event of now to the journal below a root: `members` is the text of the other members of its JSON object, without braces. */
  appendEvent(root: string, members: string): void;
}

export interface LaunchCalls {
  /**
   * Claims a free range of host ids: `first` and the next `size - 1`. The claim is a lock on one byte of `file` and lives as long as
   * any copy of `fd`; a supervisor inherits it. Throws ENOSPC when every range is taken. `layers`, each path with a newline after it: rather the range of a
   * container of those that has ended and left its root file system for another.
   */
  claimIdRange(request: {
    file: string;
    first: number;
    size: number;
    count: number;
    layers?: string;
  }): IdRangeClaim;

  /**
   * A descriptor of the claim that the supervisor with this pid and start time holds (pidfd_getfd(2)): the same claim, not another. ESRCH, EBADF: it is
   * gone. EPERM: that takes CAP_SYS_PTRACE.
   */
  copyIdRangeClaim(pid: number, startTime: number): number;
  /** The same of what it was given as `heldFd`. */
  copyNetworkClaim(pid: number, startTime: number): number;

  /** Starts the supervisor of one container, and resolves when it has told what becomes of the launch. */
  launch(request: LaunchRequest): Promise<Launched>;

  /** Starts a supervisor that sends one more program into a container that runs, likewise. ESRCH: the container has ended. */
  exec(request: ExecRequest): Promise<Launched>;

  /**
   * From now on `hear` is called with every line that the supervisor says, and with null once it is gone and collected, so that no zombie stays. Takes the leash.
   * Gives the number by which the others know it.
   */
  followSupervisor(launched: Pick<Launched, 'leash' | 'supervisorPid' | 'rest'>, hear: Hear): number;
  /** Says one line; nobody hears it if that supervisor is gone. */
  tellSupervisor(number: number, line: string): void;
  /** Following it keeps this process alive no longer. */
  leaveSupervisor(number: number): void;

  /** Changes the limits of a running container. After a failure the old ones are in force, all of them. */
  updateLimits(request: UpdateRequest): Promise<void>;
}

export interface UpdateRequest {
  /** The `cgroup` member of the container's launch.json, as text. */
  cgroup: string;
  /** `linux.resources` of its config.json as it is and as it is to be, as text. */
  before: string;
  after: string;
}

export interface IdRangeClaim {
  first: number;
  fd: number;
}

export interface LaunchRequest extends ClientDescriptors {
  /**
   * The OCI runtime `config.json` up to the value of `linux.seccomp`, that value, and what follows it: apart, a profile that was met before need not be read again. In one
   * piece, the other two are left out.
   */
  config: string;
  seccomp?: string;
  configEnd?: string;
  /** berth's `launch.json` and `container.json`. */
  launch: string;
  container: string;
  /** The berth-init executable. */
  supervisor: string;
  /** An `IdRangeClaim.fd`, or -1. The descriptor stays the caller's. */
  idRangeFd: number;
  /** A `NetworkClaim.fd`, or -1. The descriptor stays the caller's. */
  heldFd: number;
  /** A lock that the supervisor holds too until the container is on record. The descriptor stays the caller's. */
  launchFd?: number;
}

/** The client's own descriptors, which a supervisor uses until the client dies; -1 for none. */
export interface ClientDescriptors {
  stdin: number;
  stdout: number;
  stderr: number;
}

export interface ExecRequest extends ClientDescriptors {
  /** The container's `config.json` and its `launch.json`, as text. */
  config: string;
  launch: string;
  change: ProcessChange;
  supervisor: string;
  /** The container's first process, and when that started, in clock ticks since boot. */
  pid: number;
  startTime: number;
}

/** How a program that is sent in differs from the container's first; what is undefined is as it is for that one. */
export interface ProcessChange {
  args: string[];
  /** `NAME=VALUE`, on top of the container's own. */
  env: string[];
  user: string | undefined;
  /** Absolute. */
  cwd: string | undefined;
  terminal: boolean;
  /** Of the terminal, in characters; 0: not known. */
  rows: number;
  columns: number;
  input: boolean;
  /** Two hexadecimal digits for each. */
  detachKeys: string;
}

export interface Launched {
  /** The supervisor's pid on this host. */
  supervisorPid: number;
  /** When it was started, in nanoseconds of CLOCK_MONOTONIC. */
  began: bigint;
  /** All that it said up to `running PID` or `failed JSON` (docs/reference/control-protocol.md). With neither it was killed. */
  said: string[];
  /** For `followSupervisor`, which the caller owes it; -1: the program does not run, and the supervisor is gone and collected. */
  leash: number;
  /** What was read after that already. */
  rest: string;
}

export type Hear = (line: string | null) => void;

export interface ProcessCalls {
  /**
   * Sends a signal to the process that has this pid and started at this tick of the boot clock (field 22 of /proc/PID/stat).
   * Throws ESRCH when that process is gone, even if its pid lives again.
   */
  signalProcess(pid: number, startTime: number, signal: number): void;
  /**
   * Resolves with true once the process of that pid and start time runs no more, whoever's child it is; false: it still does after so many milliseconds.
   */
  awaitEnd(pid: number, startTime: number, milliseconds: number): Promise<boolean>;

  /**
   * Sets the niceness of the calling thread alone (sched_setattr(2)). Threads and processes that it makes from then on get 0 where it is below that (SCHED_FLAG_RESET_ON_FORK).
   * Throws EPERM where that takes a privilege (CAP_SYS_NICE) that this process does not have.
   */
  raiseThread(nice: number): void;
}
