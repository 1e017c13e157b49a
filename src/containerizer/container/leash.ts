import type { Socket } from 'node:net';
import type { ExitDocument } from './document.js';

/** Why a supervisor could not bring its container to life (docs/reference/control-protocol.md). */
export interface LaunchFailure {
  step: string;
  errno: number;
  syscall: string;
  subject: string;
  /** What went wrong when it cleared up; 0: nothing. */
  cleanup_errno: number;
}

/** What a supervisor says, one line each. */
export type SupervisorLine =
  | { kind: 'running'; pid: number }
  | { kind: 'failed'; failure: LaunchFailure }
  | { kind: 'exited'; exit: ExitDocument }
  | { kind: 'signalled'; errno: number }
  | { kind: 'timings'; text: string }
  | { kind: 'attached'; errno: number; terminal: boolean }
  | { kind: 'detached' }
  | { kind: 'undelivered'; stream: string; errno: number }
  | { kind: 'missed'; bytes: number }
  | { kind: 'other'; text: string };

export function parseLine(line: string): SupervisorLine {
  const blank = line.indexOf(' ');
  const word = blank < 0 ? line : line.slice(0, blank);
  const rest = blank < 0 ? '' : line.slice(blank + 1);
  switch (word) {
    case 'running':
      return { kind: 'running', pid: Number(rest) };
    case 'signalled':
      return { kind: 'signalled', errno: Number(rest) };
    case 'timings':
      return { kind: 'timings', text: rest };
    case 'attached':
      return { kind: 'attached', errno: Number.parseInt(rest, 10), terminal: rest.endsWith(' terminal') };
    case 'detached':
      return { kind: 'detached' };
    case 'undelivered':
      return { kind: 'undelivered', stream: rest.split(' ')[0] ?? '', errno: Number(rest.split(' ')[1]) };
    case 'missed':
      return { kind: 'missed', bytes: Number(rest) };
    case 'failed':
      return { kind: 'failed', failure: JSON.parse(rest) as LaunchFailure };
    case 'exited':
      return { kind: 'exited', exit: JSON.parse(rest) as ExitDocument };
    default:
      return { kind: 'other', text: line };
  }
}

/** Reads a control connection line by line, until the supervisor closes it or dies. */
export async function* readLines(socket: Socket): AsyncGenerator<SupervisorLine> {
  let rest = '';
  socket.setEncoding('utf8');
  try {
    for await (const chunk of socket) {
      rest += chunk as string;
      const lines = rest.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield parseLine(line);
    }
  } catch (error) {
    // How the kernel ends a connection whose other side went away before it had read everything.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ECONNRESET' && code !== 'EPIPE') throw error;
  }
}
