import { constants } from 'node:os';
import type { ExitDocument } from '../containerizer/container/document.js';
import { describeErrno } from '../containerizer/container/launch-error.js';
import type { SupervisorLine } from '../containerizer/container/leash.js';
import type { LaunchClient } from '../containerizer/container/program.js';
import { BerthError } from '../errors/berth-error.js';
import { native } from '../native/index.js';
import { write } from './output.js';
import { usageError } from './report.js';

/** A terminal sends these to the whole foreground; a service manager sends them to this process. They are meant for the program. */
const forwarded = [
  'SIGINT',
  'SIGTERM',
  'SIGHUP',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGTSTP',
  'SIGCONT',
] as const;

/** What a program in the foreground is asked to do. */
export interface FollowedProgram {
  ended: Promise<ExitDocument>;
  gone?: Promise<void>;
  signal(number: number): void;
  resize(rows: number, columns: number): void;
  release(): void;
}

export interface ForegroundOptions {
  /** The program's stdio is a terminal. */
  terminal: boolean;
  /** Its stdin is this process's. */
  input: boolean;
  /** Signals that this process gets are passed on; else they end it, and the program goes on. */
  signals: boolean;
  /** Two hexadecimal digits for each. */
  detachKeys: string;
  /** Somebody may attach to the program later. */
  others?: boolean;
  /** What the program shows has scrolled by before: it is made to show it again. */
  redraw?: boolean;
}

/**
 * This process while a program's streams are its own: passes on signals and the terminal's size, and leaves the terminal as it was, whichever way it ends. The
 * supervisor itself reads and writes the streams.
 */
export class Foreground {
  readonly #options: ForegroundOptions;
  readonly #early: number[] = [];
  #program: FollowedProgram | undefined;
  #before: Buffer | undefined;
  #undelivered: Undelivered | undefined;
  #leave: (() => void) | undefined;
  readonly #left: Promise<'left'>;

  constructor(options: ForegroundOptions) {
    this.#options = options;
    this.#left = new Promise((resolve) => {
      this.#leave = () => resolve('left');
    });
    if (options.terminal && options.input && native().terminalSize(0) === null) {
      throw usageError('-t', 'the input is not a terminal', 'Leave out -t, or -i.');
    }
  }

  /** From now on signals and the terminal are the program's. */
  begin(): void {
    const { terminal, input, signals } = this.#options;
    for (const name of forwarded) {
      process.on(name, () => {
        if (signals) this.#signal(constants.signals[name]);
        else process.exit(128 + constants.signals[name]);
      });
    }
    if (!terminal) {
      if (signals) process.on('SIGWINCH', () => this.#signal(constants.signals.SIGWINCH));
      return;
    }
    process.on('SIGWINCH', () => this.#resize());
    if (isAtTerminal()) this.#leaveAtHangUp();
    if (!input) return;
    this.#before = native().makeTerminalRaw(0);
    process.on('exit', () => this.end());
  }

  /** The terminal is as it was before. One that has hung up has no modes any more. */
  end(): void {
    if (this.#before !== undefined && native().terminalSize(0) !== null)
      native().restoreTerminal(0, this.#before);
    this.#before = undefined;
  }

  /** What the launcher is told of this process. */
  client(): LaunchClient {
    const size = this.#options.terminal ? windowSize() : undefined;
    return {
      ...(this.#options.input ? { stdin: 0 } : {}),
      stdout: 1,
      stderr: 2,
      detachKeys: this.#options.detachKeys,
      ...(size === undefined ? {} : { size: { height: size.rows, width: size.columns } }),
      tell: (line) => this.#hear(line),
    };
  }

  /** The keys were typed, where it is not the supervisor that reads them. */
  leave(): void {
    this.#leave?.();
  }

  /** Stays until the program has ended, and gives its status; or until its keys were typed: 0. */
  async follow(
    program: FollowedProgram,
    explain: (exit: ExitDocument) => string | undefined = () => undefined,
  ): Promise<number> {
    this.#program = program;
    // A program redraws when its terminal changes; the size that follows is the true one.
    const size = this.#options.terminal && this.#options.redraw === true ? windowSize() : undefined;
    if (size !== undefined) program.resize(size.rows + 1, size.columns);
    this.#resize();
    for (const number of this.#early.splice(0)) program.signal(number);
    const end = await Promise.race([program.ended, this.#left]);
    this.end();
    if (end === 'left') {
      program.release();
      return 0;
    }
    await program.gone;
    const reason = explain(end);
    if (reason !== undefined) write(2, `berth: ${reason}\n`);
    if (this.#undelivered === undefined) return end.status;
    throw outputLost(this.#undelivered, end);
  }

  #signal(number: number): void {
    if (this.#program === undefined) this.#early.push(number);
    else this.#program.signal(number);
  }

  #leaveAtHangUp(): void {
    process.on('exit', endIfHungUp);
    process.prependListener('SIGHUP', () => {
      if (isAtTerminal()) return;
      // As Docker has it: what others can attach to goes on without its terminal.
      if (this.#options.others === true) this.#program = undefined;
      setImmediate(() => this.#leave?.());
    });
  }

  #resize(): void {
    const size = this.#options.terminal ? windowSize() : undefined;
    if (size !== undefined) this.#program?.resize(size.rows, size.columns);
  }

  #hear(line: SupervisorLine): void {
    if (line.kind === 'detached') this.#leave?.();
    if (line.kind === 'undelivered') this.#undelivered ??= line;
    if (line.kind === 'missed') {
      write(2, `berth: ${line.bytes} bytes were left out: this reader was too slow for the program\n`);
    }
  }
}

/**
 * Node puts a terminal back as it found it, and aborts where that fails. So a command whose terminal has gone ends as a hang-up ends any program.
 */
function endIfHungUp(): void {
  if (isAtTerminal()) return;
  process.removeAllListeners('SIGHUP');
  process.kill(process.pid, 'SIGHUP');
}

function isAtTerminal(): boolean {
  return native().terminalSize(0) !== null || native().terminalSize(1) !== null;
}

type Undelivered = Extract<SupervisorLine, { kind: 'undelivered' }>;

export function outputLost({ stream, errno }: Undelivered, { status }: ExitDocument): BerthError {
  return new BerthError('OUTPUT_LOST', {
    what: stream,
    why: `${describeErrno(errno)}; the program ended with status ${status}`,
    mend: 'What it wrote is in the log, if there is one: berth logs.',
  });
}

/** Of the terminal that output goes to, else of the one that input comes from. */
function windowSize(): { rows: number; columns: number } | undefined {
  const size = native().terminalSize(1) ?? native().terminalSize(0);
  return size === null || size.rows === 0 || size.columns === 0 ? undefined : size;
}
