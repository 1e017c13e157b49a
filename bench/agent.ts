import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { listContainers } from '../src/containerizer/container/catalogue.js';
import { removeContainer } from '../src/containerizer/container/remove.js';
import { provideImage } from '../src/containerizer/image/provide.js';
import { installationFolder } from '../src/installation.js';
import { version } from '../src/version.js';
import { SchedulerClient, task } from '../test/master-lite/scheduler-client.js';
import { ApiAsker, longest, middle, percentile } from './api-latency.js';
import { EmulatedScheduler } from './emulated-scheduler.js';
import { type BenchDocument, significant } from './row.js';
import { summarise } from './statistics.js';
import { describeHost } from './surroundings.js';
import { closeWorkspace, openWorkspace } from './workspace.js';

export interface AgentOptions {
  quick: boolean;
  /** Tasks at once. */
  count: number;
  signal: AbortSignal;
  note(text: string): void;
}

/** Of what master and agent have said: the end of it is told where something goes wrong. */
const mostSaid = 4000;

/** The longest that one phase may take, in seconds. */
const patience = 600;

/** One agent process with as many idle tasks as asked for: how fast they come and go, what it takes to take them up again, and its memory. Leaves nothing behind. */
export async function benchAgent({ quick, count, signal, note }: AgentOptions): Promise<BenchDocument> {
  const host = describeHost();
  const workspace = await openWorkspace();
  const children: ChildProcess[] = [];
  let said = '';
  let scheduler: EmulatedScheduler | undefined;
  let churn: EmulatedScheduler | undefined;
  let asker: ApiAsker | undefined;
  try {
    const { roots } = workspace;
    const url = `http://127.0.0.1:${await freePort()}`;
    const start = async (...words: string[]) => {
      const own = ['--root', roots.root, '--state', roots.state];
      const child = spawn(path.join(installationFolder, 'bin/berth'), [...words, ...own], {
        stdio: ['ignore', 'ignore', 'pipe'],
        // A session of its own, as a service manager gives it.
        detached: true,
        env: { ...process.env, NODE_OPTIONS: '' },
      });
      children.push(child);
      await new Promise((resolve, reject) => {
        child.stderr.once('data', resolve);
        child.once('exit', () => reject(new Error(`${words[0]} has ended`)));
      });
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        said = `${said}${text}`.slice(-mostSaid);
      });
      return child;
    };
    const reach = async (what: string, holds: () => boolean) => {
      const from = performance.now();
      while (!holds()) {
        signal.throwIfAborted();
        if (performance.now() - from > patience * 1000) throw new Error(`${what}: not in ${patience} s`);
        await sleep(5);
      }
      return (performance.now() - from) / 1000;
    };
    const resources = `cpus:${count};mem:${count * 64 + 1024};disk:10000;ports:[31000-32000]`;
    const api = `127.0.0.1:${await freePort()}`;
    const apiUrl = `http://${api}`;
    const config = path.join(roots.root, 'agent.json');
    mkdirSync(roots.root, { recursive: true });
    // Its image is a folder.
    writeFileSync(config, JSON.stringify({ local_images: true }));
    const agentWords = [
      ...['agent', '--master', url, '--listen', api, '--resources', resources],
      ...['--config', config],
    ];
    await start('master', '--listen', new URL(url).host);
    let agent = await start(...agentWords);
    const image = `oci:${workspace.layout}`;
    await provideImage(roots, image);
    note('one task after another');
    const submitted = await submissionTime(url, image);
    scheduler = new EmulatedScheduler(url, 'bench', count, {
      command: { shell: false, value: '/bin/sleep', arguments: ['100000'] },
      container: { type: 'DOCKER', docker: { image } },
    });
    asker = new ApiAsker(apiUrl, Infinity);
    const began = performance.now();
    await scheduler.subscribe();
    note(`launching ${count} tasks`);
    const { running } = scheduler;
    await reach('launching', () => running.size >= count);
    const launched = (performance.now() - began) / 1000;
    const whileLaunching = await asker.stop();
    const memory = residentMegabytes(agent.pid ?? 0);
    note('asking the agent while others are launched');
    churn = new EmulatedScheduler(url, 'churn', 4, {
      command: { shell: false, value: '/bin/true' },
      container: { type: 'DOCKER', docker: { image } },
    });
    await churn.subscribe();
    const latencies = await new ApiAsker(apiUrl, quick ? 200 : 500, await someSandbox(apiUrl)).measured();
    churn.tearDown();
    note('killing the agent, and starting it again');
    const gone = new Promise((resolve) => agent.once('exit', resolve));
    agent.kill('SIGKILL');
    await gone;
    const killed = performance.now();
    agent = await start(...agentWords);
    const recovered = (performance.now() - killed) / 1000;
    note('ending all tasks');
    asker = new ApiAsker(apiUrl, Infinity);
    scheduler.tearDown();
    const destroyed = await reach('destroying', () => listContainers(roots).length === 0);
    const whileDestroying = await asker.stop();
    const all = [
      single('agent.launch', 'tasks/s', count / launched),
      single('agent.submit', 'ms', submitted),
      single('agent.destroy', 'tasks/s', count / destroyed),
      single('agent.recover', 's', recovered),
      single('agent.memory', 'MB', memory),
      ...latencies.flatMap(({ name, times }) => latencyRows(name, times)),
      ...latencyRows(
        'launching',
        whileLaunching.flatMap(({ times }) => times),
      ),
      ...latencyRows(
        'destroying',
        whileDestroying.flatMap(({ times }) => times),
      ),
    ];
    return {
      rows: all.map(({ row }) => row),
      details: { host, versions: { berth: version }, skipped: [], series: all.map(({ series }) => series) },
    };
  } catch (error) {
    note(`the daemons said: ${said}`);
    throw error;
  } finally {
    scheduler?.stop();
    churn?.stop();
    await asker?.stop().catch(() => {});
    for (const child of children.reverse()) {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      if (child.exitCode === null && child.signalCode === null && child.kill('SIGTERM')) await gone;
    }
    for (const container of listContainers(workspace.roots))
      await removeContainer(workspace.roots, container, { force: true });
    await closeWorkspace(workspace);
  }
}

/** The sandbox of one of its tasks, as the API calls it. */
async function someSandbox(url: string): Promise<string> {
  const response = await fetch(`${url}/state`);
  const page = (await response.json()) as { frameworks: { executors: { directory: string }[] }[] };
  const [directory] = page.frameworks.flatMap(({ executors }) => executors.map((each) => each.directory));
  if (directory === undefined) throw new Error('the agent has no task');
  return directory;
}

/** Tasks that are launched one after another, for the time that one takes. */
const samples = 20;

/** From the acceptance of an offer until the framework hears that its task runs: the median, in milliseconds. */
async function submissionTime(url: string, image: string): Promise<number> {
  const client = new SchedulerClient(url);
  await client.subscribe();
  const times: number[] = [];
  for (let i = 0; i < samples; i++) {
    const offer = await client.offer();
    const id = `one-${i}`;
    const runs = new Promise((resolve) => {
      client.onEvent = ({ update }) => {
        if (update?.status.state === 'TASK_RUNNING') resolve(undefined);
      };
    });
    const info = task(id, offer, 0.1, {
      command: { shell: false, value: '/bin/true' },
      container: { type: 'DOCKER', docker: { image } },
    });
    const from = performance.now();
    await client.launch(offer, [info], 0);
    await runs;
    times.push(performance.now() - from);
    while (!client.states(id).includes('TASK_FINISHED')) await sleep(1);
  }
  client.close();
  return summarise(times).median;
}

const single = (name: string, unit: string, value: number) => ({
  row: { name, peer: null, unit, ours: significant(value), peer_value: null, ratio: null },
  series: { name, subject: 'berth agent', unit, samples: 1, median: value, min: value, p90: value },
});

const latencyRows = (name: string, times: number[]) => [
  single(`agent.api.${name}`, 'ms', middle(times)),
  single(`agent.api.${name}.p99`, 'ms', percentile(times, 99)),
  single(`agent.api.${name}.max`, 'ms', longest(times)),
];

function residentMegabytes(pid: number): number {
  const [, kilobytes = '0'] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
