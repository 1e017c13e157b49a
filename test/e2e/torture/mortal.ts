import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** A program that is started again whenever it ends, until it is to end. What it says goes to a file. */
export class Mortal {
  private child: ChildProcess | undefined;
  private stopped = false;
  private readonly over: Promise<void>;
  /** Ends that nobody here has caused. */
  readonly surprises: string[] = [];
  private killed = false;

  constructor(
    private readonly command: string[],
    private readonly log: string,
  ) {
    this.over = this.live();
  }

  kill(): void {
    this.killed = true;
    this.child?.kill('SIGKILL');
  }

  /** Ends it as an operator does, and waits for that. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.child?.kill('SIGTERM');
    await this.over;
  }

  private async live(): Promise<void> {
    const [file = '', ...words] = this.command;
    while (!this.stopped) {
      this.killed = false;
      const child = spawn(file, words, { stdio: ['ignore', 'pipe', 'pipe'] });
      this.child = child;
      for (const stream of [child.stdout, child.stderr])
        stream?.on('data', (piece: Buffer) => appendFileSync(this.log, piece));
      const how = await new Promise<string>((resolve) => {
        child.once('exit', (status, signal) => resolve(String(signal ?? status)));
      });
      if (!this.killed && !this.stopped) this.surprises.push(how);
      await sleep(20);
    }
  }
}
