import { readdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readContainer } from '../src/containerizer/container/catalogue.js';
import { type LaunchImage, launchContainer } from '../src/containerizer/container/launch.js';
import { type LayerForm, setLayerForm } from '../src/containerizer/image/layer-form.js';
import { closeLayer } from '../src/containerizer/image/open-layer.js';
import { type ProvidedImage, provideImage } from '../src/containerizer/image/provide.js';
import { storePaths } from '../src/containerizer/image/store.js';
import type { Roots } from '../src/state/roots.js';
import { cpuMilliseconds } from './cpu-time.js';
import { quoted, Shell } from './peers/shell.js';
import { plainOptions } from './plain-options.js';
import { proportionalKilobytes } from './resident.js';
import { removeRootCgroups } from './root-cgroups.js';
import type { Workspace } from './workspace.js';

const program = fileURLToPath(new URL('../../bin/berth', import.meta.url));
const SIGKILL = 9;

/** A container that does nothing, and who keeps it. */
export interface Idle {
  id: string;
  keeper: number; // pid of its supervisor
  payload: number; // pid of its first process
  /** Ends it; resolves when nothing of it is left. */
  end(): Promise<void>;
}

/** berth as this process has it, warm as in an agent; and, for the cold start, as a command of a shell. */
export class Berth {
  private constructor(
    private readonly workspace: Pick<Workspace, 'roots' | 'layout'>,
    private readonly image: LaunchImage,
    private readonly shell: Shell,
  ) {}

  static async open(workspace: Pick<Workspace, 'roots' | 'layout'>): Promise<Berth> {
    const image = await provideImage(workspace.roots, reference(workspace));
    return new Berth(workspace, image, new Shell('host', { NODE_OPTIONS: '' }));
  }

  /** With a store of its own whose layers are of that form; undefined where this host cannot have them. */
  static async withLayers(workspace: Workspace, form: LayerForm): Promise<Berth | undefined> {
    const { directory, volatile, layout } = workspace;
    const roots = { root: path.join(directory, form), state: path.join(volatile, form) };
    await setLayerForm(roots, form);
    const image: ProvidedImage = await provideImage(roots, reference(workspace));
    const berth = new Berth({ roots, layout }, image, new Shell('host', { NODE_OPTIONS: '' }));
    if ((form === 'erofs') === (image.mounted ?? []).length > 0) return berth;
    await berth.close();
    return undefined;
  }

  /** From the start of a container to its end, when nothing of it is left. */
  async launch(): Promise<void> {
    const { roots } = this.workspace;
    const container = await launchContainer(roots, {
      image: this.image,
      options: plainOptions(['/bin/true']),
      client: null,
    });
    const { status } = await container.ended;
    if (status !== 0) throw new Error(`/bin/true ended with ${status}`);
  }

  /** `berth run` as a user types it, from a process that has loaded nothing yet. */
  runCold(): Promise<void> {
    const { roots } = this.workspace;
    const flags = `--rm --root ${quoted(roots.root)} --state ${quoted(roots.state)}`;
    return this.shell.run(`${quoted(program)} run ${flags} ${quoted(reference(this.workspace))} /bin/true`);
  }

  /** `berth exec` in such a container, likewise. */
  execCold({ id }: Idle): Promise<void> {
    const { roots } = this.workspace;
    const places = `--root ${quoted(roots.root)} --state ${quoted(roots.state)}`;
    return this.shell.run(`${quoted(program)} exec ${places} ${id} /bin/true`);
  }

  /** Milliseconds of CPU that this process, its supervisors and its containers have used so far. */
  cpu(): number {
    return cpuMilliseconds(process.pid);
  }

  /** The proportional set size in kB of what stays beside one idle container: its supervisor. */
  async idleMemory(settle: () => Promise<void>): Promise<number> {
    const idle = await this.startIdle();
    try {
      await settle();
      return proportionalKilobytes(idle.keeper);
    } finally {
      await idle.end();
    }
  }

  /** A container that does nothing. */
  async startIdle(): Promise<Idle> {
    const { roots } = this.workspace;
    const container = await launchContainer(roots, {
      image: this.image,
      options: plainOptions(['/bin/sleep', 'infinity']),
      client: null,
    });
    const end = async () => {
      container.signal(SIGKILL);
      await container.gone;
    };
    const keeper = readContainer(roots, container.id)?.process?.supervisor.pid;
    if (keeper !== undefined) return { id: container.id, keeper, payload: container.pid, end };
    await end();
    throw new Error(`container ${container.id} has no supervisor`);
  }

  async close(): Promise<void> {
    await this.shell.close();
    unmountLayers(this.workspace.roots);
    removeRootCgroups(this.workspace.roots);
  }
}

/** What is mounted cannot be removed. */
function unmountLayers(roots: Roots): void {
  for (const id of readdirSync(storePaths(roots).layers)) closeLayer(roots, id);
}

function reference({ layout }: Pick<Workspace, 'layout'>): string {
  return `oci:${layout}:latest`;
}

/** Long enough for a supervisor to have done all that follows a start. */
export const settle = (): Promise<void> => sleep(300);
