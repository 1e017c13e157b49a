import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { installationFolder } from '../../installation.js';
import { nodeEnvironment, nodeOptions } from '../../service/daemon-node.js';
import type { Roots } from '../../state/roots.js';

export interface UpRequest {
  roots: Roots;
  note(text: string): void;
  listen: { host: string; port: number };
  agentListen: { host: string; port: number };
  /** Further words for the agent. */
  agentFlags: string[];
}

/** What daemons say once they have begun. One that ends by itself before is not worth another try, however long it took on a busy host. */
const begun = /^(master at|agent of) /m;
/** Bytes of what one says that are looked through for that. */
const mostWords = 64 * 1024;
/** Milliseconds: who has lived for longer is started again at once. */
const longLived = 2000;
const firstPause = 200;
const longestPause = 5000;

/** Runs a master and an agent as processes of their own, and starts again what is killed, until a signal ends all. Resolves to the exit status. */
export async function runUp({ roots, note, listen, agentListen, agentFlags }: UpRequest): Promise<number> {
  const at = ({ host, port }: UpRequest['listen']) => `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const common = ['--root', roots.root, '--state', roots.state, '--end-with-stdin'];
  const master = new Daemon(['master', ...common, '--listen', at(listen)], note);
  const agent = new Daemon(
    ['agent', ...common, '--listen', at(agentListen), '--master', `http://${at(listen)}`, ...agentFlags],
    note,
  );
  const daemons = [master, agent];
  const end = () => {
    for (const daemon of daemons) daemon.end();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, end);
  const ends = daemons.map((daemon) => daemon.ended);
  master.start();
  // It would only fail and try again.
  await Promise.race([master.spoken, ...ends]);
  agent.start();
  const status = await Promise.race(ends);
  end();
  await Promise.all(ends);
  return status;
}

/** One verb of berth that runs for long, started again when it is killed. */
class Daemon {
  private child: ChildProcess | undefined;
  private ending = false;
  private pause = firstPause;
  private resolve: (status: number) => void = () => {};
  private say: () => void = () => {};
  /** With 0 when it was to end, else with the status that it could not go on with. */
  readonly ended = new Promise<number>((resolve) => {
    this.resolve = resolve;
  });
  /** Its first word: it has begun. */
  readonly spoken = new Promise<void>((resolve) => {
    this.say = resolve;
  });

  constructor(
    private readonly words: string[],
    private readonly note: (text: string) => void,
  ) {}

  start(): void {
    if (this.ending) {
      this.resolve(0);
      return;
    }
    const began = Date.now();
    // Its standard input ends with this process, whatever way that ends.
    const program = path.join(installationFolder, 'bin/berth.cjs');
    const child = spawn(process.execPath, [...nodeOptions, program, ...this.words], {
      stdio: ['pipe', 'ignore', 'pipe'],
      env: { ...nodeEnvironment, ...process.env },
    });
    this.child = child;
    let words = '';
    child.stdin.on('error', () => {});
    child.stderr.on('data', (piece: Buffer) => {
      process.stderr.write(piece);
      this.say();
      if (!begun.test(words) && words.length < mostWords) words += piece.toString('latin1');
    });
    child.once('error', () => this.resolve(125));
    child.once('close', (status, signal) => {
      if (this.ending || status === 0) this.resolve(status ?? 0);
      else if (status !== null && !begun.test(words)) this.resolve(status);
      else {
        this.note(`${this.words[0]} ended with ${signal ?? `status ${status}`}, and is started again`);
        this.pause = Date.now() - began < longLived ? Math.min(this.pause * 2, longestPause) : firstPause;
        setTimeout(() => this.start(), this.pause);
      }
    });
  }

  end(): void {
    if (this.ending) return;
    this.ending = true;
    if (this.child === undefined || this.child.exitCode !== null || this.child.signalCode !== null)
      this.resolve(0);
    else this.child.kill('SIGTERM');
  }
}
