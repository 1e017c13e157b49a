import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { BerthError } from '../../errors/berth-error.js';
import { agentUnit, scopeSlice, scopeUnit } from '../host/systemd-scope.js';
import { defaultPath } from './describe/defaults.js';

/** systemd still has a unit of that name. */
class ScopeTaken extends BerthError {}

/** `systemd-run --scope` has itself put into a new scope, says nothing, and becomes the command (systemd-run(1)). */
const commandLine = [
  ...['--scope', '--quiet', '--collect', `--unit=${scopeUnit}`, `--slice=${scopeSlice}`],
  ...['--description=Containers of berth', '--property=Delegate=yes', '--property=TasksMax=infinity'],
  // A program that is process 1 of its namespace and handles no SIGTERM would hold up a shutdown for systemd's 90 seconds; it has as long as `berth stop` gives it.
  '--property=TimeoutStopSec=10',
  // What is ordered before a service is stopped after it: that the containers end with the host is then not told as if they had ended by themselves, and none is
  // started again. Not the other way round in the service: a unit that is named stays loaded, and systemd would refuse to make the next scope.
  `--property=Before=${agentUnit}`,
  ...['--', 'cat'],
];

const mend = `See systemctl status ${scopeUnit}, and berth doctor.`;

/**
 * A process that a new scope begins with: systemd makes none without. It is `cat` on a pipe whose other end only this process has: it leaves with it,
 * whatever way that ends.
 */
export class ScopeKeeper {
  private constructor(
    private readonly child: ChildProcessByStdio<Writable, Readable, Readable>,
    private readonly ended: Promise<string>,
  ) {}

  /** Resolves when the scope is there. Throws `ScopeTaken` while systemd has one of that name already. */
  static async start(): Promise<ScopeKeeper> {
    const child = spawn('systemd-run', commandLine, {
      stdio: ['pipe', 'pipe', 'pipe'],
      // Not whatever the caller's environment may lead to.
      env: { PATH: defaultPath, LC_ALL: 'C' },
      cwd: '/',
      // In a session of its own: no key pressed in the caller's terminal reaches it.
      detached: true,
    });
    let told = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      told += text;
    });
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('close', (status) => resolve(told.trim() || `systemd-run ended with status ${status}`));
    });
    // It may end without having read; how it ended says more.
    child.stdin.on('error', () => {});
    child.stdin.write('\n');
    const echoed = new Promise<undefined>((resolve) => child.stdout.once('data', () => resolve(undefined)));
    const why = await Promise.race([echoed, ended]);
    if (why === undefined) return new ScopeKeeper(child, ended);
    const Kind = /already (loaded|exists)/.test(why) ? ScopeTaken : BerthError;
    throw new Kind('HOST_LACKS', { what: `systemd's ${scopeUnit}`, why, mend });
  }

  /**
   * Leaves the scope's own cgroup for one below: the kernel passes no controller on to the children of a cgroup that has processes itself (cgroups(7), "no
   * internal processes").
   */
  moveTo(scope: string, cgroup: string): void {
    try {
      if (!existsSync(scope)) throw this.elsewhere(scope);
      mkdirSync(cgroup, { recursive: true });
      writeFileSync(path.join(cgroup, 'cgroup.procs'), `${this.child.pid}`);
    } catch (error) {
      this.child.stdin.end();
      throw error;
    }
  }

  /** A drop-in of the administrator's can give the unit another slice, for one. */
  private elsewhere(scope: string): BerthError {
    const place = /^0::(.*)$/m.exec(readFileSync(`/proc/${this.child.pid}/cgroup`, 'utf8'))?.[1];
    const why = `systemd made it at ${place}, not at ${scope}`;
    return new BerthError('HOST_LACKS', { what: `systemd's ${scopeUnit}`, why, mend });
  }

  /** Resolves when it has left. */
  async release(): Promise<void> {
    this.child.stdin.end();
    await this.ended;
  }
}

const mostTries = 250;
const pauseMilliseconds = 20;

/** Makes the scope, which is not there, and leaves its keeper in `cgroup`, which lies below it. */
export async function makeScope(scope: string, cgroup: string): Promise<ScopeKeeper> {
  for (let tries = 1; ; tries++) {
    try {
      const keeper = await ScopeKeeper.start();
      keeper.moveTo(scope, cgroup);
      return keeper;
    } catch (error) {
      // systemd has not noticed yet that the last one is empty.
      if (!(error instanceof ScopeTaken) || tries === mostTries) throw error;
      await sleep(pauseMilliseconds);
    }
  }
}
