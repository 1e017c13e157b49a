import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cpuMilliseconds } from './cpu-time.js';
import { BenchRegistry } from './peers/registry.js';
import { quoted, Shell } from './peers/shell.js';
import { type BenchDocument, compare, type Row, type Series, significant } from './row.js';
import { summarise } from './statistics.js';
import { describeHost, peerVersions } from './surroundings.js';
import { debianFixture, smallFilesFixture, type UnpackFixture } from './unpack-fixtures.js';

export interface UnpackOptions {
  /** One round only: to see that it works, not to compare. */
  quick: boolean;
  signal: AbortSignal;
  note(text: string): void;
}

const program = fileURLToPath(new URL('../../bin/berth', import.meta.url));
const rounds = { full: 3, quick: 1 };
/** Sparse: room for the files of every round. */
const diskBytes = 32 * 2 ** 30;
const bytesPerInode = 8192;
/** Between looks at how much memory a process has had. */
const lookSeconds = 0.02;

/** Who unpacks, by one command into a new folder. The first is berth. */
interface Unpacker {
  name: string;
  command(into: string): string;
  /** What is done before the clock runs. */
  prepare?(into: string): string;
}

type Kind = 'gzip' | 'zstd';

/** Images unpacked with verification, beside podman, umoci and tar, which verifies nothing. */
export async function benchUnpack(options: UnpackOptions): Promise<BenchDocument> {
  const host = describeHost();
  const work = mkdtempSync('/var/tmp/berth-bench-unpack-');
  chmodSync(work, 0o711);
  const bench = new UnpackBench(work, options);
  try {
    options.note('making the fixtures, once a host');
    const debian = await debianFixture();
    const small = await smallFilesFixture();
    await bench.image('unpack.debian.gzip', debian, 'gzip');
    await bench.image('unpack.debian.zstd', debian, 'zstd');
    await bench.image('unpack.small_files', small, 'gzip');
    await bench.pull('unpack.pull', debian);
    await bench.memory('unpack.memory.gzip', debian.gzip.layout);
    await bench.memory('unpack.memory.zstd', debian.zstd.layout);
    await bench.memory('unpack.memory.small_files', small.gzip.layout);
    const versions = { ...peerVersions(), ...versionOf('umoci'), ...versionOf('igzip') };
    return { rows: bench.rows, details: { host, versions, skipped: bench.skipped, series: bench.series } };
  } finally {
    await bench.close();
    rmSync(work, { recursive: true, force: true });
  }
}

function versionOf(name: string): Record<string, string> {
  const { status, stdout, stderr } = spawnSync(name, ['--version'], { encoding: 'utf8' });
  return status === 0
    ? { [name]: ((stdout || stderr).split('\n')[0] ?? '').replace(/^.*version:? /, '') }
    : {};
}

/** With storage of its own. */
function podman(into: string): string {
  return `podman --root ${into}/root --runroot ${into}/run --tmpdir ${into}/tmp --events-backend none`;
}

class UnpackBench {
  readonly rows: Row[] = [];
  readonly series: Series[] = [];
  readonly skipped: BenchDocument['details']['skipped'] = [];
  readonly #shell = new Shell({ hidden: null }, { NODE_OPTIONS: '' });
  #made = 0;
  #mounted = false;

  constructor(
    private readonly work: string,
    private readonly options: UnpackOptions,
  ) {}

  /** A plain tree beside umoci and tar, and the store beside podman's: wall and CPU time, bytes and files a second. */
  async image(name: string, fixture: UnpackFixture, kind: Kind): Promise<void> {
    const { layout, blob } = fixture[kind];
    const plain: Unpacker[] = [
      {
        name: 'berth',
        command: (into) => `${this.#berth('image unpack')} oci:${layout}:latest ${into}/tree`,
      },
      { name: 'umoci', command: (into) => `umoci unpack --image ${layout}:latest ${into}/bundle` },
      {
        name: `tar -I ${kind === 'gzip' ? 'igzip' : 'zstd'}`,
        command: (into) => `tar -C ${into} -I ${kind === 'gzip' ? 'igzip' : 'zstd'} -xf ${blob}`,
      },
    ];
    const store: Unpacker[] = [
      { name: 'berth', command: (into) => `${this.#berth('create', into)} oci:${layout}:latest` },
      {
        name: 'berth, folders',
        prepare: (into) => `${this.#berth('image layers', into)} folder`,
        command: (into) => `${this.#berth('create', into)} oci:${layout}:latest`,
      },
      {
        name: 'podman',
        command: (into) => `${podman(into)} pull --quiet oci:${layout}:latest`,
      },
    ];
    await this.#compare(
      name,
      plain.filter((each) => kind === 'gzip' || each.name !== 'umoci'),
      fixture,
      kind,
    );
    await this.#compare(`${name}.store`, store, fixture, kind);
  }

  /** From a registry on this host. */
  async pull(name: string, fixture: UnpackFixture): Promise<void> {
    let registry: BenchRegistry;
    try {
      registry = await BenchRegistry.open();
    } catch (error) {
      this.skipped.push({ peer: `docker-registry, ${name}`, reason: (error as Error).message });
      return;
    }
    try {
      const image = registry.publish(fixture.gzip.layout, 'debian');
      const flags = `--tls-verify=false --quiet ${image}`;
      const subjects: Unpacker[] = [
        { name: 'berth', command: (into) => `${this.#berth('image pull', into)} ${flags}` },
        { name: 'podman', command: (into) => `${podman(into)} pull ${flags}` },
      ];
      await this.#compare(name, subjects, fixture, 'gzip');
    } finally {
      registry.close();
    }
  }

  /** The most memory that a whole `berth image unpack` had, kB (proc_pid_status(5), VmHWM). */
  async memory(name: string, layout: string): Promise<void> {
    this.options.note(`measuring ${name}`);
    const most = path.join(this.work, 'most');
    const disk = await this.#freshDisk();
    const command = `${this.#berth('image unpack')} oci:${layout}:latest ${disk}/tree`;
    const look = `sed -n 's/^VmHWM:[^0-9]*\\([0-9]*\\).*/\\1/p' /proc/$pid/status`;
    await this.#shell.run(
      `${command} & pid=$!; while high=$(${look}) && [ -n "$high" ]; do echo $high >${most}; sleep ${lookSeconds}; done; wait $pid`,
    );
    const kilobytes = Number(readFileSync(most, 'utf8'));
    const series: Series = { name, subject: 'berth', unit: 'kB', ...summarise([kilobytes]) };
    this.series.push(series);
    this.rows.push(compare(series, undefined));
  }

  async close(): Promise<void> {
    await this.#shell.close();
  }

  #berth(verb: string, into = `${this.work}/unpack`): string {
    return `${quoted(program)} ${verb} --root ${into}/root --state ${into}/state`;
  }

  /**
   * An empty ext4 of its own, seen by the shell alone, which ends with it. On the host's own disk it would be slower with each round: ext4 takes many times longer to make files
   * where many have just been removed.
   */
  async #freshDisk(): Promise<string> {
    const [file, point] = [path.join(this.work, 'disk'), path.join(this.work, 'mounted')];
    // What still waits for the disk does so in a process of its own.
    if (this.#mounted)
      await this.#shell.run(
        `sync -f ${point} && until umount --recursive ${point} 2>/dev/null; do sleep 0.1; done`,
      );
    rmSync(file, { force: true });
    mkdirSync(point, { recursive: true });
    this.#mounted = false;
    const made = `truncate -s ${diskBytes} ${file} && mkfs.ext4 -q -i ${bytesPerInode} ${file}`;
    await this.#shell.run(`${made} && mount -o loop,noinit_itable ${file} ${point}`);
    this.#mounted = true;
    return point;
  }

  #folder(): string {
    return path.join(this.work, 'mounted', String(this.#made++));
  }

  async #compare(name: string, subjects: Unpacker[], fixture: UnpackFixture, kind: Kind): Promise<void> {
    await this.#freshDisk();
    const there = await this.#able(name, subjects);
    this.options.note(`measuring ${name}: ${there.map((each) => each.name).join(', ')}`);
    const samples = there.map(() => ({ wall: [] as number[], cpu: [] as number[] }));
    for (let round = 0; round < (this.options.quick ? rounds.quick : rounds.full); round++) {
      for (const [i, subject] of there.entries()) {
        this.options.signal.throwIfAborted();
        // What the one before has left to be written back is not this one's.
        const into = await this.#prepared(subject);
        await this.#shell.run(`sync -f ${this.work}/mounted`);
        const cpu = cpuMilliseconds(this.#shell.pid);
        const start = performance.now();
        await this.#shell.run(subject.command(into));
        samples[i]?.wall.push(performance.now() - start);
        samples[i]?.cpu.push(cpuMilliseconds(this.#shell.pid) - cpu);
      }
    }
    const series = (suffix: string, unit: string, pick: 'wall' | 'cpu') =>
      there.map(
        (subject, i): Series => ({
          name: `${name}${suffix}`,
          subject: subject.name,
          unit,
          ...summarise(samples[i]?.[pick] ?? []),
        }),
      );
    const [wall, cpu] = [series('', 'ms', 'wall'), series('.cpu', 'ms', 'cpu')];
    const size = sizeOf(fixture[kind].blob);
    const rates = [
      ...[{ suffix: '.bytes', unit: 'MB/s', amount: size.bytes / 1e6 }],
      ...[{ suffix: '.files', unit: 'files/s', amount: size.files }],
    ].map(({ suffix, unit, amount }) =>
      wall.map((each): Series => {
        const rate = significant((amount / each.median) * 1000);
        return { ...each, name: `${name}${suffix}`, unit, median: rate, min: rate, p90: rate };
      }),
    );
    for (const [ours, ...peers] of [wall, cpu, ...rates]) {
      if (ours === undefined) continue;
      this.series.push(ours, ...peers);
      if (peers.length === 0) this.rows.push(compare(ours, undefined));
      for (const peer of peers) this.rows.push(compare(ours, peer));
    }
  }

  /** A folder for it to unpack into. */
  async #prepared(subject: Unpacker): Promise<string> {
    const into = this.#folder();
    await this.#shell.run(`mkdir ${into}`);
    if (subject.prepare !== undefined) await this.#shell.run(`${subject.prepare(into)} >/dev/null`);
    return into;
  }

  /** Those that can do it once, here; the first time is paid by nobody. */
  async #able(name: string, subjects: Unpacker[]): Promise<Unpacker[]> {
    const able: Unpacker[] = [];
    for (const subject of subjects) {
      try {
        await this.#shell.run(subject.command(await this.#prepared(subject)));
        able.push(subject);
      } catch (error) {
        if (subject.name === 'berth') throw error;
        this.skipped.push({ peer: `${subject.name}, ${name}`, reason: (error as Error).message });
        this.options.note(`without ${subject.name}: ${(error as Error).message}`);
      }
    }
    return able;
  }
}

/** Of the archive in a blob: bytes, and entries. */
function sizeOf(blob: string): { bytes: number; files: number } {
  const unpack = blob.endsWith('.gz') ? 'gzip' : 'zstd';
  const listed = spawnSync('tar', ['-I', unpack, '-tf', blob], { encoding: 'utf8', maxBuffer: 1 << 30 });
  const raw = spawnSync('sh', ['-c', `${unpack} -dc ${quoted(blob)} | wc -c`], { encoding: 'utf8' });
  return { bytes: Number(raw.stdout) || statSync(blob).size, files: listed.stdout.split('\n').length - 1 };
}
