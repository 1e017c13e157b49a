import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** Which mounts a shell sees: the host's, or a copy of its own, where a cgroup hierarchy may be covered by an empty tmpfs. */
export type ShellMounts = 'host' | { hidden: string | null };

// Nothing to read, but no /dev/null: crun gives what it reads from to the container's root, and that one is the host's.
const loop = 'while IFS= read -r line; do eval "$line" <<. 3>&- >&2\n.\necho $? >&3; done';

/** A shell that stays and runs one command after the other: every peer costs the same to start, and less than from Node. */
export class Shell {
  readonly #child: ChildProcess;
  #complaint = '';
  /** Who waits for the status of the command that runs. */
  #told: (status: string) => void = () => {};

  constructor(mounts: ShellMounts, environment: Record<string, string> = {}) {
    const [file = '', ...args] = mounts === 'host' ? ['sh', '-c', loop] : ownMounts(mounts.hidden);
    // A group of its own: Ctrl-C must not take the shell away before what it runs has been cleared up.
    this.#child = spawn(file, args, {
      detached: true,
      env: { ...process.env, ...environment },
      stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
    });
    const statuses = createInterface({ input: this.#child.stdio[3] as NodeJS.ReadableStream });
    statuses.on('line', (status) => this.#told(status)).on('close', () => this.#told('gone'));
    // A shell that has ended is told by its status; the pipe's own error would only repeat it.
    this.#child.stdin?.on('error', () => this.#told('gone'));
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#complaint = (this.#complaint + text).slice(-2000);
    });
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('the shell did not start');
    return this.#child.pid;
  }

  /** Runs one command to its end. Rejects when it fails, with the last of what it said. */
  async run(command: string): Promise<void> {
    this.#complaint = '';
    const status = await new Promise<string>((resolve) => {
      this.#told = resolve;
      this.#child.stdin?.write(`${command}\n`);
    });
    if (status === '0') return;
    // What it said last may come after its status.
    await new Promise((resolve) => setTimeout(resolve, 50));
    const said = this.#complaint.trim().split('\n').at(-1);
    throw new Error(`${command.split(' ')[0]} ended with status ${status}: ${said || 'it said nothing'}`);
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.stdin?.end();
    await ended;
  }
}

function ownMounts(hidden: string | null): string[] {
  const cover = hidden === null ? '' : `umount ${hidden} && mount -t tmpfs tmpfs ${hidden} || exit 1\n`;
  return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', cover + loop];
}

/** One word of a shell command. */
export function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
