import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { bareNode } from '../cli/berth.js';
import type { Test } from './staged-master.js';

const program = fileURLToPath(new URL('npm-framework.js', import.meta.url));

/** A framework of npm's mesos-framework, in a process of its own, and what it heard. */
export class NpmClient {
  readonly states = new Map<string, string[]>();
  readonly errors: string[] = [];
  id = '';
  subscriptions = 0;
  exit: number | null | undefined;
  readonly child: ChildProcess;

  constructor(t: Test, port: number, instances: number, extra: object = {}) {
    const logs = mkdtempSync(path.join(tmpdir(), 'berth-framework-'));
    const [file = '', ...rest] = bareNode;
    this.child = spawn(file, [...rest, program, JSON.stringify({ port, instances, logs, ...extra })], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.child.on('exit', (code) => {
      this.exit = code;
    });
    t.after(() => {
      this.child.kill('SIGKILL');
      rmSync(logs, { recursive: true, force: true });
    });
    const { stdout } = this.child;
    if (stdout === null) throw new Error('no stdout');
    createInterface({ input: stdout }).on('line', (line) => {
      // The library logs to stdout too.
      if (line.startsWith('@')) this.hear(JSON.parse(line.slice(1)) as Line);
    });
  }

  count(state: string): number {
    return [...this.states.values()].filter((states) => states.includes(state)).length;
  }

  private hear({ event, id = '', task = '', state = '', message = '' }: Line): void {
    if (event === 'subscribed') {
      this.id = id;
      this.subscriptions++;
    } else if (event === 'update') this.states.set(task, [...(this.states.get(task) ?? []), state]);
    else if (event === 'error') this.errors.push(message);
  }
}

interface Line {
  event: string;
  id?: string;
  task?: string;
  state?: string;
  message?: string;
}
