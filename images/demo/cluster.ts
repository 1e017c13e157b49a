import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { listContainers } from '../../src/containerizer/container/catalogue.js';
import { typed } from './command.js';
import { OneTask } from './framework.js';
import { freePort, get } from './web.js';

const project = fileURLToPath(new URL('../../../', import.meta.url));
const patienceMs = 60_000;

/** A cluster of this host alone, in a root of its own that goes with it, and one task of a framework. */
export class DemoCluster {
  private readonly root: string;
  private child: ChildProcess | undefined;
  private framework: OneTask | undefined;
  private said = '';

  private constructor(
    readonly master: string,
    private readonly words: string[],
    root: string,
  ) {
    this.root = root;
  }

  /** Not started yet. */
  static async plan(): Promise<DemoCluster> {
    const [port, agentPort] = [await freePort(), await freePort()];
    const root = mkdtempSync('/var/tmp/berth-demo-cluster-');
    const words = [
      ...['up', '--root', path.join(root, 'root'), '--state', path.join(root, 'state')],
      ...['--listen', `127.0.0.1:${port}`, '--agent-listen', `127.0.0.1:${agentPort}`],
    ];
    return new DemoCluster(`http://127.0.0.1:${port}`, words, root);
  }

  get commandLine(): string {
    return typed(this.words);
  }

  /** The flags by which a verb looks at the same roots. */
  get roots(): string[] {
    return this.words.slice(1, 5);
  }

  async start(signal: AbortSignal): Promise<string> {
    const child = spawn(path.join(project, 'bin/berth'), this.words, {
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.child = child;
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.said += text;
    });
    await this.until('the agent has registered', () => /registered as/.test(this.said), signal);
    return this.said;
  }

  /** Has a framework launch a web server as a task, and waits until it answers. */
  async launch(image: string, signal: AbortSignal): Promise<string> {
    const amount = (name: string, value: number) => ({ name, type: 'SCALAR' as const, scalar: { value } });
    let port = 0;
    const framework = new OneTask(this.master, ({ agent_id, resources = [] }) => {
      port = resources.find(({ name }) => name === 'ports')?.ranges?.range?.[0]?.begin ?? 0;
      return {
        name: 'web',
        task_id: { value: 'web' },
        agent_id,
        resources: [
          ...[amount('cpus', 0.5), amount('mem', 128)],
          { name: 'ports', type: 'RANGES', ranges: { range: [{ begin: port, end: port }] } },
        ],
        command: { shell: false },
        container: { type: 'DOCKER', docker: { image } },
      };
    });
    this.framework = framework;
    await framework.subscribe();
    await this.until(
      `the task runs (${framework.state} ${framework.message})`,
      () => framework.state !== 'TASK_STAGING' && framework.state !== 'TASK_STARTING',
      signal,
    );
    if (framework.state !== 'TASK_RUNNING')
      throw new Error(`the task came to ${framework.state}: ${framework.message}`);
    // Busy, so that there is something to be seen of its threads.
    return get(`http://127.0.0.1:${port}/busy?seconds=10`, signal);
  }

  /** Takes all of it down; whatever of it was there. */
  async end(): Promise<void> {
    try {
      await this.framework?.tearDown();
      if (this.framework !== undefined) await this.until('the task has ended', () => this.quiet());
    } finally {
      await this.endProcesses();
    }
  }

  private async endProcesses(): Promise<void> {
    const { child } = this;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGINT');
      await gone;
    }
    rmSync(this.root, { recursive: true, force: true });
  }

  private quiet(): boolean {
    return (
      listContainers({ root: path.join(this.root, 'root'), state: path.join(this.root, 'state') }).length ===
      0
    );
  }

  private async until(what: string, holds: () => boolean, signal?: AbortSignal): Promise<void> {
    const end = performance.now() + patienceMs;
    while (!holds()) {
      signal?.throwIfAborted();
      if (performance.now() > end || this.child?.exitCode != null)
        throw new Error(`it never came to be that ${what}: ${this.said}`);
      await sleep(20);
    }
  }
}
