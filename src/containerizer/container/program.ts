import { type ClientDescriptors, type Launched, native } from '../../native/index.js';
import type { ExitDocument } from './document.js';
import { type LaunchFailure, parseLine, type SupervisorLine } from './leash.js';
import type { LaunchTimer } from './timings.js';

/** Whose descriptors a supervisor reads from and writes to while this process lives. */
export interface LaunchClient {
  stdin?: number;
  stdout: number;
  stderr: number;
  /** By which somebody at a terminal leaves: two hexadecimal digits for each key. */
  detachKeys?: string;
  /** Of the client's terminal, in characters. */
  size?: { height: number; width: number };
  /** Told what the supervisor says of this client's streams: `detached`, `undelivered`, `missed`. */
  tell?: (line: SupervisorLine) => void;
}

/** A program that runs under a supervisor, which outlives this process. */
export interface RunningProgram {
  /** On the host. */
  pid: number;
  /** Resolves when it has ended and its supervisor has cleared up. */
  ended: Promise<ExitDocument>;
  /** Resolves when the supervisor's process is gone too. */
  gone: Promise<void>;
  signal(number: number): void;
  /** Sets the size of its terminal, if it has one. */
  resize(rows: number, columns: number): void;
  /** Lets go: `ended` no longer keeps this process alive. */
  release(): void;
}

export type Followed =
  | { kind: 'runs'; program: RunningProgram }
  | { kind: 'failed'; failure: LaunchFailure }
  /** The supervisor was killed. */
  | { kind: 'silent' };

export function descriptors(client: LaunchClient | null): ClientDescriptors {
  return { stdin: client?.stdin ?? -1, stdout: client?.stdout ?? -1, stderr: client?.stderr ?? -1 };
}

/** Follows a supervisor that was just started. */
export async function followProgram(
  launching: Promise<Launched>,
  request: {
    tell?: (line: SupervisorLine) => void;
    timer?: LaunchTimer;
    /** The end of a program whose supervisor was killed. */
    lost: () => ExitDocument;
  },
): Promise<Followed> {
  const launched = await launching;
  const { timer } = request;
  timer?.markAt('supervisor', launched.began);
  let pid: number | undefined;
  for (const text of launched.said) {
    const line = parseLine(text);
    if (line.kind === 'failed') return { kind: 'failed', failure: line.failure };
    if (line.kind === 'timings') timer?.add(line.text);
    if (line.kind === 'running') pid = line.pid;
  }
  if (pid === undefined) return { kind: 'silent' };
  return { kind: 'runs', program: follow(pid, launched, request) };
}

function follow(
  pid: number,
  launched: Launched,
  { tell, lost }: { tell?: (line: SupervisorLine) => void; lost: () => ExitDocument },
): RunningProgram {
  let end: (exit: ExitDocument | Promise<ExitDocument>) => void = () => {};
  let leave: () => void = () => {};
  const ended = new Promise<ExitDocument>((resolve) => {
    end = resolve;
  });
  const gone = new Promise<void>((resolve) => {
    leave = resolve;
  });
  let exit: ExitDocument | undefined;
  const supervisor = native().followSupervisor(launched, (text) => {
    if (text === null) {
      leave();
      if (exit === undefined) end(Promise.resolve().then(lost));
      return;
    }
    const line = parseLine(text);
    if (line.kind !== 'exited') return tell?.(line);
    exit = line.exit;
    end(exit);
  });
  return {
    pid,
    ended,
    gone,
    signal: (number) => native().tellSupervisor(supervisor, `signal ${number}`),
    resize: (rows, columns) => native().tellSupervisor(supervisor, `resize ${rows} ${columns}`),
    release: () => native().leaveSupervisor(supervisor),
  };
}
