import { Socket } from 'node:net';
import { type ClientDescriptors, type Launched, native } from '../../native/index.js';
import type { ExitDocument } from './document.js';
import { type LaunchFailure, readLines, type SupervisorLine } from './leash.js';
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

/** Waits on the leash for the program to run, and goes on listening for its end. */
export async function followProgram(
  { leash, supervisorPid }: Launched,
  request: {
    tell?: (line: SupervisorLine) => void;
    timer?: LaunchTimer;
    /** The end of a program whose supervisor was killed. */
    lost: () => ExitDocument;
  },
): Promise<Followed> {
  const socket = new Socket({ fd: leash, readable: true, writable: true });
  const lines = readLines(socket);
  let reaped: Promise<void> | undefined;
  const reap = () => {
    reaped ??= native().reap(supervisorPid);
    return reaped;
  };
  for (;;) {
    const { done, value } = await lines.next();
    if (done === true) {
      await reap();
      return { kind: 'silent' };
    }
    if (value.kind === 'failed') {
      await reap();
      return { kind: 'failed', failure: value.failure };
    }
    if (value.kind === 'timings') request.timer?.add(value.text);
    if (value.kind !== 'running') continue;
    const ended = awaitEnd(lines, request, reap);
    const say = (line: string) => void socket.write(`${line}\n`);
    const program = {
      pid: value.pid,
      ended,
      // Whatever its end was, and whether it could be told: nobody need look at this.
      gone: ended.then(reap, reap),
      signal: (number: number) => say(`signal ${number}`),
      resize: (rows: number, columns: number) => say(`resize ${rows} ${columns}`),
      release: () => void socket.unref(),
    };
    return { kind: 'runs', program };
  }
}

async function awaitEnd(
  lines: ReturnType<typeof readLines>,
  { tell, lost }: { tell?: (line: SupervisorLine) => void; lost: () => ExitDocument },
  reap: () => Promise<void>,
): Promise<ExitDocument> {
  let exit: ExitDocument | undefined;
  for await (const line of lines) {
    if (line.kind === 'exited') exit = line.exit;
    else tell?.(line);
  }
  if (exit !== undefined) return exit;
  await reap();
  return lost();
}
