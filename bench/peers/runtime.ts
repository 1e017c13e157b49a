import { closeSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cgroupPlaces } from '../../src/containerizer/container/cgroup-places.js';
import { claimIds } from '../../src/containerizer/container/id-claim.js';
import { detectCgroupLayout } from '../../src/containerizer/host/cgroup-layout.js';
import { cpuMilliseconds } from '../cpu-time.js';
import type { Workspace } from '../workspace.js';
import { writeBundle } from './bundle.js';
import { quoted, Shell } from './shell.js';

const own = fileURLToPath(new URL('../../../bin/berth-runtime', import.meta.url));

/** A command line of the OCI runtimes: crun or runc, or berth's own. */
export class RuntimePeer {
  private constructor(
    readonly name: string,
    private readonly shell: Shell,
    private readonly command: string,
    private readonly idRangeFd: number,
    /** Whether the command has to be in the shell's mount namespace. */
    private readonly inside: boolean,
  ) {}

  /** Tries one launch; rejects when the runtime is not there or cannot run here. Those that are to work at the same time need an `id` each. */
  static async open(
    workspace: Workspace,
    name: 'crun' | 'runc' | 'berth-runtime',
    id = `bench-${name}`,
  ): Promise<RuntimePeer> {
    const layout = detectCgroupLayout();
    // On a hybrid host crun refuses to run while it sees controllers in the unified hierarchy.
    const hidden = name === 'crun' && layout.layout === 'hybrid';
    const range = claimIds();
    const v1 = layout.layout === 'unified' ? {} : mountsUsed(workspace, layout.v1);
    const bundle = writeBundle(workspace, id, range.first, v1);
    const state = path.join(workspace.volatile, name);
    const shell = new Shell(hidden ? { hidden: layout.unified } : 'host');
    const program = name === 'berth-runtime' ? quoted(own) : name;
    const command = `${program} --root ${quoted(state)} run --bundle ${quoted(bundle)} ${id}`;
    const peer = new RuntimePeer(name, shell, command, range.fd, hidden);
    try {
      await peer.launch();
      return peer;
    } catch (error) {
      await peer.close();
      throw error;
    }
  }

  /** From the start of a container to its end. */
  launch(): Promise<void> {
    return this.shell.run(this.command);
  }

  /** Milliseconds of CPU that all launches so far have used, the shell included. */
  cpu(): number {
    return cpuMilliseconds(this.shell.pid);
  }

  /** The launch as arguments for spawn(2), for a program that starts it by itself. */
  argv(): [file: string, args: string[]] {
    const sh = ['sh', '-c', `exec ${this.command}`];
    if (!this.inside) return ['/bin/sh', sh.slice(1)];
    return ['nsenter', [`--mount=/proc/${this.shell.pid}/ns/mnt`, '--', ...sh]];
  }

  async close(): Promise<void> {
    await this.shell.close();
    closeSync(this.idRangeFd);
  }
}

/** The hierarchies that berth itself shows to a container. */
function mountsUsed(workspace: Workspace, v1: Record<string, string>): Record<string, string> {
  const used = new Set(Object.keys(cgroupPlaces(workspace.roots, 'any').v1));
  return Object.fromEntries(Object.entries(v1).filter(([name]) => used.has(name)));
}
