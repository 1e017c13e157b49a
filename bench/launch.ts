import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Berth, settle } from './berth.js';
import { openPeer } from './peers/open.js';
import { PodmanPeer } from './peers/podman.js';
import { RuntimePeer } from './peers/runtime.js';
import { rateOf } from './rate.js';
import { alternate, type RoundsOptions, type Subject, time } from './rounds.js';
import { type BenchDocument, compare, type Row, type Series } from './row.js';
import { longestStall } from './stall.js';
import { summarise } from './statistics.js';
import { describeHost, peerVersions } from './surroundings.js';
import { closeWorkspace, openWorkspace, type Workspace } from './workspace.js';

export interface LaunchOptions {
  /** A few samples only: to see that it works, not to compare. */
  quick: boolean;
  signal: AbortSignal;
  /** Told what is being measured. */
  note(text: string): void;
}

/** How often each thing is measured. The process is called warm once its JavaScript has been compiled, which takes some launches. */
const full = { back_to_back: 40, idle: 20, rate: 5, cold: 12, stall: 30, memory: 3, warm_up: 25 };
const few: typeof full = { back_to_back: 5, idle: 3, rate: 1, cold: 2, stall: 4, memory: 1, warm_up: 1 };

/** As long as an attach to a v1 cgroup needs to become dear again, and a CPU to sleep. */
const idleGapMs = 150;

interface Peers {
  runtimes: RuntimePeer[];
  /** berth-runtime, beside those. */
  own: RuntimePeer | undefined;
  /** Two launchers of one runtime, to work at the same time. */
  pair: RuntimePeer[] | undefined;
  podman: PodmanPeer | undefined;
  skipped: BenchDocument['details']['skipped'];
}

/** Starting containers, beside crun, runc and podman where they are. Leaves nothing behind. */
export async function benchLaunch(options: LaunchOptions): Promise<BenchDocument> {
  const host = describeHost();
  const workspace = await openWorkspace();
  const opened: { close(): Promise<void> }[] = [];
  try {
    const berth = await Berth.open(workspace);
    opened.push(berth);
    const onImages = await Berth.withLayers(workspace, 'erofs');
    if (onImages !== undefined) opened.push(onImages);
    const peers = await openPeers(workspace, opened, options.note);
    const bench = new LaunchBench(berth, onImages, peers, options);
    await bench.run();
    return {
      rows: bench.rows,
      details: { host, versions: peerVersions(), skipped: peers.skipped, series: bench.series },
    };
  } finally {
    for (const each of opened.reverse()) await each.close();
    closeWorkspace(workspace);
  }
}

async function openPeers(
  workspace: Workspace,
  opened: { close(): Promise<void> }[],
  note: LaunchOptions['note'],
): Promise<Peers> {
  const skipped: Peers['skipped'] = [];
  const attempt = <Peer extends { close(): Promise<void> }>(peer: string, open: () => Promise<Peer>) =>
    openPeer(peer, open, { opened, skipped, note });
  const runtime = (name: 'crun' | 'runc' | 'berth-runtime', id?: string) => () =>
    RuntimePeer.open(workspace, name, id);
  const crun = await attempt('crun', runtime('crun'));
  const runc = await attempt('runc', runtime('runc'));
  const own = await attempt('berth-runtime', runtime('berth-runtime'));
  const second = crun && (await attempt('crun, a second launcher', runtime('crun', 'bench-crun-2')));
  const podman = await attempt('podman', () => PodmanPeer.open(workspace));
  const runtimes = [crun, runc].filter((peer) => peer !== undefined);
  return { runtimes, own, pair: crun && second && [crun, second], podman, skipped };
}

class LaunchBench {
  readonly rows: Row[] = [];
  readonly series: Series[] = [];

  constructor(
    private readonly berth: Berth,
    /** The same with layers that are files; undefined where the host cannot mount them. */
    private readonly onImages: Berth | undefined,
    private readonly peers: Peers,
    private readonly options: LaunchOptions,
  ) {}

  async run(): Promise<void> {
    const counts = this.options.quick ? few : full;
    await this.#launches('launch.true.default', counts.back_to_back, 0);
    await this.#launches('launch.true.default.idle', counts.idle, idleGapMs);
    await this.#layers(counts.back_to_back);
    await this.#runtimes(counts.back_to_back);
    await this.#cpu(counts.back_to_back);
    await this.#rate(counts.rate);
    await this.#cold(counts.cold);
    await this.#coldExec(counts.cold);
    await this.#stalls(counts.stall);
    await this.#memory(counts.memory);
  }

  async #launches(name: string, rounds: number, gapMs: number): Promise<void> {
    const subjects = [this.berth, ...this.peers.runtimes].map((each) => ({
      name: each instanceof Berth ? 'berth' : each.name,
      measure: () => time(() => each.launch()),
    }));
    await this.#measure(name, 'ms', subjects, { rounds, gapMs });
  }

  /** What a layer that is mounted costs a launch, beside one that is a folder. */
  async #layers(rounds: number): Promise<void> {
    const { onImages } = this;
    if (onImages === undefined) return;
    await this.#measure(
      'launch.true.erofs',
      'ms',
      [
        { name: 'berth', measure: () => time(() => onImages.launch()) },
        { name: 'berth, folders', measure: () => time(() => this.berth.launch()) },
      ],
      { rounds },
    );
  }

  /** The same bundle by each command line. */
  async #runtimes(rounds: number): Promise<void> {
    const { own, runtimes } = this.peers;
    if (own === undefined) return;
    const subjects = [own, ...runtimes].map((each) => ({
      name: each === own ? 'berth' : each.name,
      measure: () => time(() => each.launch()),
    }));
    await this.#measure('launch.runtime.run', 'ms', subjects, { rounds });
  }

  /** One figure for many launches: the kernel counts CPU time of ended children in ticks of 10 ms. */
  async #cpu(launches: number): Promise<void> {
    const subjects = [this.berth, ...this.peers.runtimes].map((each) => ({
      name: each instanceof Berth ? 'berth' : each.name,
      measure: async () => {
        const before = each.cpu();
        for (let i = 0; i < launches; i++) {
          this.options.signal.throwIfAborted();
          await each.launch();
        }
        return (each.cpu() - before) / launches;
      },
    }));
    await this.#measure('launch.true.cpu', 'ms', subjects, { rounds: 1, warmUp: 0 });
  }

  /** Containers a second, by two launchers at the same time. Of a rate, more is better. */
  async #rate(rounds: number): Promise<void> {
    const each = this.options.quick ? 5 : 30;
    const subjects = [{ name: 'berth', measure: () => rateOf([this.berth, this.berth], each) }];
    const { pair } = this.peers;
    if (pair !== undefined) subjects.push({ name: 'crun', measure: () => rateOf(pair, each) });
    await this.#measure('launch.rate.2', '1/s', subjects, { rounds, warmUp: 1 });
  }

  async #cold(rounds: number): Promise<void> {
    const { podman, runtimes } = this.peers;
    const subjects = [
      { name: 'berth', measure: () => time(() => this.berth.runCold()) },
      ...[...(podman === undefined ? [] : [podman]), ...runtimes].map((peer) => ({
        name: peer.name,
        measure: () => time(() => peer.launch()),
      })),
    ];
    await this.#measure('launch.cold.run', 'ms', subjects, { rounds, warmUp: 2 });
  }

  async #coldExec(rounds: number): Promise<void> {
    const { podman } = this.peers;
    const name = 'entered';
    const idle = await this.berth.startIdle();
    try {
      const subjects = [{ name: 'berth', measure: () => time(() => this.berth.execCold(idle)) }];
      if (podman !== undefined) {
        await podman.startIdle(name);
        subjects.push({ name: podman.name, measure: () => time(() => podman.exec(name)) });
      }
      await this.#measure('launch.cold.exec', 'ms', subjects, { rounds, warmUp: 1 });
      await podman?.endIdle([name]);
    } finally {
      await idle.end();
    }
  }

  async #stalls(rounds: number): Promise<void> {
    const subjects = [{ name: 'berth', measure: () => longestStall(() => this.berth.launch()) }];
    const crun = this.peers.runtimes.find(({ name }) => name === 'crun') ?? this.peers.runtimes[0];
    if (crun !== undefined) {
      subjects.push({
        name: `child_process.spawn ${crun.name}`,
        measure: () => longestStall(() => spawned(...crun.argv())),
      });
    }
    await this.#measure('launch.event_loop_blocked', 'ms', subjects, { rounds });
  }

  async #memory(rounds: number): Promise<void> {
    const { podman } = this.peers;
    const subjects = [{ name: 'berth', measure: () => this.berth.idleMemory(settle) }];
    if (podman !== undefined) {
      subjects.push({ name: 'podman (conmon)', measure: () => podman.idleMemory(settle) });
    }
    await this.#measure('memory.idle_container', 'kB', subjects, { rounds, warmUp: 0 });
  }

  /** Measures the subjects, ours first, and adds a row for each peer. */
  async #measure(
    name: string,
    unit: string,
    subjects: Subject[],
    { rounds, gapMs = 0, warmUp }: Pick<RoundsOptions, 'rounds'> & Partial<RoundsOptions>,
  ): Promise<void> {
    const { quick, signal, note } = this.options;
    note(`measuring ${name}: ${subjects.map((each) => each.name).join(', ')}`);
    const warm = warmUp ?? (quick ? few : full).warm_up;
    const samples = await alternate(subjects, { rounds, warmUp: warm, gapMs, signal });
    const [ours, ...peers] = subjects.map(
      (subject, i): Series => ({ name, subject: subject.name, unit, ...summarise(samples[i] ?? []) }),
    );
    if (ours === undefined) return;
    this.series.push(ours, ...peers);
    if (peers.length === 0) this.rows.push(compare(ours, undefined));
    for (const peer of peers) this.rows.push(compare(ours, peer));
  }
}

/** What an agent without an addon would do. Not with the host's /dev/null: crun gives what it reads from to the container's root. */
async function spawned(file: string, args: string[]): Promise<void> {
  const child = spawn(file, args, { stdio: 'pipe' });
  const [status] = (await once(child, 'exit')) as [number | null];
  if (status !== 0) throw new Error(`${file} ended with status ${status}`);
}
