import { setTimeout as sleep } from 'node:timers/promises';
import { Berth, type Idle } from './berth.js';
import { kernelKilobytes } from './kernel-memory.js';
import { openPeer } from './peers/open.js';
import { PodmanPeer } from './peers/podman.js';
import { proportionalKilobytes } from './resident.js';
import { time } from './rounds.js';
import { type BenchDocument, compare, type Row, type Series } from './row.js';
import { summarise } from './statistics.js';
import { describeHost, peerVersions } from './surroundings.js';
import { closeWorkspace, openWorkspace } from './workspace.js';

export interface DensityOptions {
  /** How many idle containers of ours there are at once. */
  count: number;
  /** Few of the peer's: to see that it works. */
  quick: boolean;
  signal: AbortSignal;
  note(text: string): void;
}

/** podman takes a large part of a second for each: as many as show what one more costs. */
const peerCount = { full: 20, quick: 2 };

/** The kernel frees and charges in the background. */
const settle = (): Promise<void> => sleep(1000);

/** What is measured of idle containers, each a figure for one of them. */
interface Figures {
  keeper: number[]; // kB
  payload: number[]; // kB
  kernel: number; // kB
  launchRate: number; // 1/s
  teardownRate: number; // 1/s
}

/** Many idle containers at once: what one more of them costs. Leaves nothing behind. */
export async function benchDensity(options: DensityOptions): Promise<BenchDocument> {
  const host = describeHost();
  const workspace = await openWorkspace();
  const opened: { close(): Promise<void> }[] = [];
  const skipped: BenchDocument['details']['skipped'] = [];
  try {
    const berth = await Berth.open(workspace);
    opened.push(berth);
    const podman = await openPeer('podman', () => PodmanPeer.open(workspace), {
      opened,
      skipped,
      note: options.note,
    });
    const peers = options.quick ? peerCount.quick : peerCount.full;
    let theirs: Figures | undefined;
    // First: the many of ours leave slabs half empty, which these few would fill, and seem to cost the kernel nothing.
    if (podman !== undefined) {
      options.note(`measuring ${peers} idle containers of podman`);
      theirs = await measurePodman(podman, peers, options.signal);
    }
    await berth.launch(); // what only the first needs is there now
    options.note(`measuring ${options.count} idle containers of berth`);
    const ours = await measureBerth(berth, options);
    const { rows, series } = rowsOf(
      { subject: 'berth', figures: ours },
      theirs && { subject: `podman and conmon, ${peers} containers`, figures: theirs },
    );
    const density = { containers: options.count, peer_containers: theirs === undefined ? 0 : peers };
    return { rows, details: { host, versions: peerVersions(), skipped, series, density } };
  } finally {
    for (const each of opened.reverse()) await each.close();
    closeWorkspace(workspace);
  }
}

async function measureBerth(berth: Berth, { count, signal, note }: DensityOptions): Promise<Figures> {
  const all: Idle[] = [];
  const endAll = async () => {
    for (let one = all.pop(); one !== undefined; one = all.pop()) await one.end();
  };
  try {
    await settle();
    const before = kernelKilobytes();
    const launching = await time(async () => {
      while (all.length < count) {
        signal.throwIfAborted();
        all.push(await berth.startIdle());
        if (all.length % 100 === 0) note(`${all.length} containers run`);
      }
    });
    await settle();
    const kernel = (kernelKilobytes() - before) / count;
    const keeper = all.map((each) => proportionalKilobytes(each.keeper));
    const payload = all.map((each) => proportionalKilobytes(each.payload));
    signal.throwIfAborted();
    const ending = await time(endAll);
    return { keeper, payload, kernel, ...rates(count, launching, ending) };
  } finally {
    await endAll();
  }
}

async function measurePodman(podman: PodmanPeer, count: number, signal: AbortSignal): Promise<Figures> {
  const names = Array.from({ length: count }, (_, i) => `idle-${i}`);
  const all: { keeper: number; payload: number }[] = [];
  await settle();
  const before = kernelKilobytes();
  const launching = await time(async () => {
    for (const name of names) {
      signal.throwIfAborted();
      all.push(await podman.startIdle(name));
    }
  });
  await settle();
  const kernel = (kernelKilobytes() - before) / count;
  const keeper = all.map((each) => proportionalKilobytes(each.keeper));
  const payload = all.map((each) => proportionalKilobytes(each.payload));
  const ending = await time(() => podman.endIdle(names));
  return { keeper, payload, kernel, ...rates(count, launching, ending) };
}

function rates(count: number, launching: number, ending: number) {
  return { launchRate: (count * 1000) / launching, teardownRate: (count * 1000) / ending };
}

interface Measured {
  subject: string;
  figures: Figures;
}

const shown: { name: string; unit: string; samples(figures: Figures): number[] }[] = [
  { name: 'density.memory.supervisor', unit: 'kB', samples: ({ keeper }) => keeper },
  { name: 'density.memory.payload', unit: 'kB', samples: ({ payload }) => payload },
  { name: 'density.memory.kernel', unit: 'kB', samples: ({ kernel }) => [kernel] },
  { name: 'density.launch.rate', unit: '1/s', samples: ({ launchRate }) => [launchRate] },
  { name: 'density.teardown.rate', unit: '1/s', samples: ({ teardownRate }) => [teardownRate] },
];

function rowsOf(ours: Measured, theirs: Measured | undefined): { rows: Row[]; series: Series[] } {
  const rows: Row[] = [];
  const series: Series[] = [];
  for (const { name, unit, samples } of shown) {
    const seriesOf = ({ subject, figures }: Measured): Series => ({
      ...{ name, subject, unit },
      ...summarise(samples(figures)),
    });
    const [own, peer] = [seriesOf(ours), theirs && seriesOf(theirs)];
    rows.push(compare(own, peer));
    series.push(own, ...(peer === undefined ? [] : [peer]));
  }
  return { rows, series };
}
