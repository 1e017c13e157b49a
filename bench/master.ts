import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { createServer } from 'node:net';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { installationFolder } from '../src/installation.js';
import { protobufCodec } from '../src/mesos/codec.js';
import { version } from '../src/version.js';
import { EmulatedAgent } from '../test/master-lite/emulated-agent.js';
import { EmulatedScheduler } from './emulated-scheduler.js';
import { type BenchDocument, significant } from './row.js';
import { describeHost } from './surroundings.js';

export interface MasterOptions {
  quick: boolean;
  signal: AbortSignal;
  note(text: string): void;
}

/** Tasks on each agent at once. */
const tasksPerAgent = 10;
const scale = { full: { agents: 5000, frameworks: 10 }, quick: { agents: 100, frameworks: 4 } };
/** Seconds in which every task that ends is followed by another. */
const turnover = { full: 20, quick: 3 };
/** The longest that one phase may take, in seconds. */
const patience = 300;

/** One master process under as many emulated agents and tasks as the aim names, over the real protocol and with its store on the disk of /var/tmp. */
export async function benchMaster({ quick, signal, note }: MasterOptions): Promise<BenchDocument> {
  const host = describeHost();
  const { agents: count, frameworks } = quick ? scale.quick : scale.full;
  const seconds = quick ? turnover.quick : turnover.full;
  const root = mkdtempSync('/var/tmp/berth-bench-master-');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const config = path.join(root, 'master.json');
  // On two processors the emulation competes with the master: patient heartbeats keep that out of the figures.
  writeFileSync(config, JSON.stringify({ agent_heartbeat_seconds: 10, agent_timeout_seconds: 120 }));
  const master = spawn(
    path.join(installationFolder, 'bin/berth'),
    ['master', '--listen', `127.0.0.1:${port}`, '--root', root, '--config', config],
    { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, NODE_OPTIONS: '' } },
  );
  const agents: EmulatedAgent[] = [];
  const schedulers: EmulatedScheduler[] = [];
  try {
    await new Promise((resolve, reject) => {
      master.stderr.once('data', resolve);
      master.once('exit', () => reject(new Error('the master has ended')));
    });
    const reach = async (what: string, holds: () => boolean) => {
      const from = performance.now();
      while (!holds()) {
        signal.throwIfAborted();
        if (master.exitCode !== null) throw new Error('the master has ended');
        if (performance.now() - from > patience * 1000) throw new Error(`${what}: not in ${patience} s`);
        await sleep(20);
      }
      return (performance.now() - from) / 1000;
    };
    note(`${count} agents register`);
    for (let i = 0; i < count; i++) {
      agents.push(
        new EmulatedAgent({
          master: url,
          hostname: `host${i}`,
          port: 10_000 + i,
          codec: protobufCodec,
          cpus: 4,
          // One process is all agents and all frameworks: when it is slow to acknowledge, saying it again makes it slower.
          retry: 60,
        }).connect(),
      );
      // As hosts do: not all in the same millisecond, which would only try the backlog of the listening socket.
      if (i % 100 === 99) await sleep(10);
    }
    const registered = await reach('registration', () => agents.every((agent) => agent.id !== undefined));
    note(`${frameworks} frameworks launch ${count * tasksPerAgent} tasks`);
    for (let i = 0; i < frameworks; i++) {
      const scheduler = new EmulatedScheduler(url, `role${i}`, tasksPerAgent);
      schedulers.push(scheduler);
      await scheduler.subscribe();
    }
    const running = () => schedulers.reduce((sum, each) => sum + each.running.size, 0);
    const launched = await reach('launching', () => running() >= count * tasksPerAgent);
    await reach('acknowledging', () => agents.every((agent) => agent.quiet));
    note(`for ${seconds} s tasks end and are followed by others`);
    const [updatesBefore, cpuBefore] = [
      schedulers.reduce((sum, each) => sum + each.transitions, 0),
      cpuSeconds(master),
    ];
    const from = performance.now();
    let turn = 0;
    while (performance.now() - from < seconds * 1000) {
      signal.throwIfAborted();
      for (let i = 0; i < Math.ceil(count / 100); i++)
        agents[turn++ % count]?.endSome('TASK_FINISHED', tasksPerAgent / 2);
      await sleep(20);
    }
    const span = (performance.now() - from) / 1000;
    const transitions = schedulers.reduce((sum, each) => sum + each.transitions, 0) - updatesBefore;
    const cpu = cpuSeconds(master) - cpuBefore;
    await reach('the tasks that follow', () => running() >= count * tasksPerAgent * 0.9);
    const metrics = await snapshot(url);
    const single = (name: string, unit: string, value: number) => ({
      row: { name, peer: null, unit, ours: significant(value), peer_value: null, ratio: null },
      series: { name, subject: 'berth master', unit, samples: 1, median: value, min: value, p90: value },
    });
    const all = [
      single('master.register', 'agents/s', count / registered),
      single('master.launch', 'tasks/s', (count * tasksPerAgent) / launched),
      single('master.transitions', '1/s', transitions / span),
      single('master.cycle.p99', 'ms', metrics['berth/allocator/cycle_ms/p99'] ?? 0),
      single('master.cycle.max', 'ms', metrics['berth/allocator/cycle_ms/max'] ?? 0),
      single('master.slice.p99', 'ms', metrics['allocator/mesos/allocation_run_ms/p99'] ?? 0),
      single('master.slice.max', 'ms', metrics['allocator/mesos/allocation_run_ms/max'] ?? 0),
      single('master.memory', 'MB', residentBytes(master) / 1e6),
      single('master.cpu', '%', (cpu / span) * 100),
    ];
    return {
      rows: all.map(({ row }) => row),
      details: { host, versions: { berth: version }, skipped: [], series: all.map(({ series }) => series) },
    };
  } finally {
    for (const each of [...agents, ...schedulers]) each.stop();
    master.kill('SIGKILL');
    rmSync(root, { recursive: true, force: true });
  }
}

async function snapshot(url: string): Promise<Record<string, number>> {
  const body = await new Promise<string>((resolve, reject) => {
    http
      .get(`${url}/metrics/snapshot`, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        response.on('end', () => resolve(text));
      })
      .on('error', reject);
  });
  return JSON.parse(body) as Record<string, number>;
}

function residentBytes({ pid }: ChildProcess): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
}

/** User and system, of a hundredth each. */
function cpuSeconds({ pid }: ChildProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
