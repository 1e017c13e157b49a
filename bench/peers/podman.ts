import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { detectCgroupLayout } from '../../src/containerizer/host/cgroup-layout.js';
import { proportionalKilobytes } from '../resident.js';
import type { Workspace } from '../workspace.js';
import { quoted, Shell } from './shell.js';

/** Limits that need no privilege above root's usual ones; podman would raise them else. */
const containersConf = `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
pids_limit = 2048
[engine]
lock_type = "file"
`;

const image = 'berth-bench';

/** What every import leaves, wherever podman's storage is. */
const blobCache = '/var/lib/containers/cache/blob-info-cache-v1.boltdb';

/** podman with storage of its own, its default runtime, and podman's own isolation: no user namespace by default. */
export class PodmanPeer {
  readonly name = 'podman';
  readonly #cacheWasThere = existsSync(blobCache);

  private constructor(
    private readonly shell: Shell,
    private readonly podman: string,
    private readonly limits: string,
    private readonly volatile: string,
  ) {}

  /** Tries one launch; rejects when podman is not there or cannot run here. */
  static async open(workspace: Workspace): Promise<PodmanPeer> {
    const configuration = path.join(workspace.directory, 'containers.conf');
    writeFileSync(configuration, containersConf);
    const layout = detectCgroupLayout();
    // Its mounts go with the shell; the crun that it starts must not see the controllers of a hybrid host's unified hierarchy.
    const hidden = layout.layout === 'hybrid' ? layout.unified : null;
    const shell = new Shell({ hidden }, { CONTAINERS_CONF: configuration });
    const folders = {
      '--root': path.join(workspace.directory, 'podman'),
      '--runroot': path.join(workspace.volatile, 'podman'),
      '--tmpdir': path.join(workspace.volatile, 'podman-tmp'),
      '--network-config-dir': path.join(workspace.volatile, 'podman-networks'),
    };
    const words = Object.entries(folders).map(([flag, folder]) => `${flag} ${quoted(folder)}`);
    const podman = `podman ${words.join(' ')} --cgroup-manager cgroupfs --events-backend none`;
    const limits = `--network none --cgroup-parent ${workspace.cgroupParent}`;
    const peer = new PodmanPeer(shell, podman, limits, workspace.volatile);
    try {
      await shell.run(`${podman} import --quiet ${quoted(layerOf(workspace.layout))} ${image}`);
      await peer.launch();
      return peer;
    } catch (error) {
      await peer.close();
      throw error;
    }
  }

  launch(): Promise<void> {
    return this.shell.run(`${this.podman} run --rm ${this.limits} ${image} /bin/true`);
  }

  /** One more program in a container that does nothing. */
  exec(name: string): Promise<void> {
    return this.shell.run(`${this.podman} exec ${name} /bin/true`);
  }

  /** The proportional set size in kB of conmon, which stays beside each container. */
  async idleMemory(settle: () => Promise<void>): Promise<number> {
    const { keeper } = await this.startIdle('idle');
    await settle();
    const kilobytes = proportionalKilobytes(keeper);
    await this.endIdle(['idle']);
    return kilobytes;
  }

  /** A container that does nothing; `keeper` is its conmon. */
  async startIdle(name: string): Promise<{ keeper: number; payload: number }> {
    const files = ['conmon', 'payload'].map((who) => path.join(this.volatile, `${name}.${who}.pid`));
    const [keeper = '', payload = ''] = files;
    const recorded = `--conmon-pidfile ${quoted(keeper)} --pidfile ${quoted(payload)}`;
    await this.shell.run(
      `${this.podman} run --detach --rm ${this.limits} ${recorded} --name ${name} ${image} /bin/sleep infinity`,
    );
    const read = (file: string) => Number(readFileSync(file, 'utf8'));
    return { keeper: read(keeper), payload: read(payload) };
  }

  async endIdle(names: readonly string[]): Promise<void> {
    await this.shell.run(`${this.podman} rm --force --time 0 ${names.join(' ')}`);
  }

  async close(): Promise<void> {
    try {
      await this.shell.run(`${this.podman} rm --all --force --time 0`);
    } finally {
      await this.shell.close();
      if (!this.#cacheWasThere) removeCache();
    }
  }
}

function removeCache(): void {
  rmSync(blobCache, { force: true });
  for (let folder = path.dirname(blobCache); folder !== '/var/lib'; folder = path.dirname(folder)) {
    try {
      rmdirSync(folder);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOTEMPTY' || code === 'ENOENT') return;
      throw error;
    }
  }
}

/** The one layer of the layout: its largest blob. */
function layerOf(layout: string): string {
  const blobs = path.join(layout, 'blobs', 'sha256');
  const files = readdirSync(blobs).map((name) => path.join(blobs, name));
  return files.reduce((largest, file) => (statSync(file).size > statSync(largest).size ? file : largest));
}
