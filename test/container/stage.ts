import { type ChildProcess, type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import { listContainers } from '../../src/containerizer/container/catalogue.js';
import type { ExitDocument } from '../../src/containerizer/container/document.js';
import { launchContainer, type RunningContainer } from '../../src/containerizer/container/launch.js';
import { type ContainerOptions, defaultOptions } from '../../src/containerizer/container/options.js';
import { removeContainer } from '../../src/containerizer/container/remove.js';
import { sweepShared } from '../../src/containerizer/container/shared-sweep.js';
import { type ProvidedImage, provideImage } from '../../src/containerizer/image/provide.js';
import type { ImageConfig } from '../../src/oci-spec/image.js';
import { places, type Roots, rootHash } from '../../src/state/roots.js';
import { berthCommand } from '../cli/berth.js';
import { busyboxEntries } from '../fixtures/busybox-image.js';
import { type LayerEntry, layerTar, writeImage } from '../fixtures/oci-image-writer.js';
import { auditLeaks } from '../leaks/audit.js';

/** On a disk file system that can be id-mapped and carry an overlay's upper directory; /tmp may be a tmpfs. */
const disk = '/var/tmp';

export const unlessRoot = process.geteuid?.() === 0 ? {} : { skip: 'root: starting containers' };

export const defaults: ContainerOptions = { ...defaultOptions, command: [], remove: true };

export interface Ran {
  stdout: string;
  stderr: string;
  exit: ExitDocument;
}

/** An installation of its own, with a busybox image, that is gone after the test and is audited for what its containers left. */
export class Stage {
  readonly folder: string;
  readonly roots: Roots;
  /** Set by `open`. */
  image!: ProvidedImage;
  #made = 0;

  private constructor(place: string, statePlace: string) {
    this.folder = mkdtempSync(path.join(place, 'berth-test-'));
    this.roots = {
      root: path.join(this.folder, 'root'),
      state: path.join(statePlace, path.basename(this.folder), 'state'),
    };
  }

  /** In a folder of its own in `place`, with the volatile state elsewhere if told so. */
  static async open(t: Test, place = disk, statePlace = place): Promise<Stage> {
    const stage = new Stage(place, statePlace);
    t.teardown(() => {
      for (const folder of [stage.folder, path.dirname(stage.roots.state)])
        rmSync(folder, { recursive: true, force: true });
    });
    auditLeaks(t, stage.mustBeEmpty(), stage.mine);
    t.teardown(() => sweepShared(stage.roots));
    // Only a test that failed leaves any.
    t.teardown(() =>
      Promise.all(
        listContainers(stage.roots, () => {}).map((each) =>
          removeContainer(stage.roots, each, { force: true }),
        ),
      ),
    );
    stage.image = await stage.makeImage();
    return stage;
  }

  /** Where nothing of a container may be once it is removed. */
  mustBeEmpty(): string[] {
    const { containers, names, trash, running } = places;
    return [containers, names, trash, running].map((place) => place(this.roots));
  }

  /** Tells what an audit finds of this stage from what other test files do meanwhile. Network namespaces have no name. */
  mine = (line: string): boolean =>
    line.includes(rootHash(this.roots)) || line.includes(this.folder) || /^(zombies|children): /.test(line);

  /** Busybox with `extra` on top; only what is on top is unpacked anew. */
  async makeImage(extra: LayerEntry[] = [], config: Record<string, unknown> = {}): Promise<ProvidedImage> {
    const layers = [{ tar: await layerTar(busyboxEntries()) }];
    if (extra.length > 0) layers.push({ tar: await layerTar(extra) });
    const { reference } = writeImage(path.join(this.folder, `image-${this.#made++}`), {
      layers,
      config: { Env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'], Cmd: ['sh'], ...config },
    });
    return provideImage(this.roots, reference);
  }

  /** The stage's image with other members in its configuration's `config`. */
  configured(config: ImageConfig['config']): ProvidedImage {
    const image = this.image.config;
    return { ...this.image, config: { ...image, config: { ...image.config, ...config } } };
  }

  /** Starts a container in this process; its output goes to the log alone. */
  start(
    command: string[],
    options: Partial<ContainerOptions> = {},
    image = this.image,
  ): Promise<RunningContainer> {
    return launchContainer(this.roots, {
      image,
      options: { ...defaults, ...options, command },
      client: null,
    });
  }

  /** Runs a container to its end and gives what it wrote. */
  async run(command: string[], options: Partial<ContainerOptions> = {}, image = this.image): Promise<Ran> {
    const files = ['out', 'err'].map((name) => path.join(this.folder, `${name}-${this.#made++}`));
    const [stdout = -1, stderr = -1] = files.map((file) => openSync(file, 'ax'));
    try {
      const container = await launchContainer(this.roots, {
        image,
        options: { ...defaults, ...options, command },
        client: { stdout, stderr },
      });
      const exit = await container.ended;
      const [out = '', err = ''] = files.map((file) => readFileSync(file, 'utf8'));
      return { stdout: out, stderr: err, exit };
    } finally {
      for (const fd of [stdout, stderr]) closeSync(fd);
      for (const file of files) rmSync(file);
    }
  }

  /** What a shell script printed, without the last newline; its errors are shown among it. */
  async sh(script: string, options: Partial<ContainerOptions> = {}, image = this.image): Promise<string> {
    return (await this.run(['sh', '-c', `exec 2>&1; ${script}`], options, image)).stdout.trimEnd();
  }

  /** `berth VERB` on this stage, to its end; a verb of a group is two words. */
  berth(verb: string, ...args: string[]): SpawnSyncReturns<string> {
    const [file = '', ...words] = this.command(verb, args);
    return spawnSync(file, words, { encoding: 'utf8', maxBuffer: 64 << 20 });
  }

  /** The whole command line of `berth VERB` on this stage. */
  command(verb: string, args: string[]): string[] {
    return [
      ...berthCommand,
      ...verb.split(' '),
      '--root',
      this.roots.root,
      '--state',
      this.roots.state,
      ...args,
    ];
  }

  /** `berth VERB` in the background, its output as pipes. */
  spawn(verb: string, ...args: string[]): ChildProcess {
    const [file = '', ...words] = this.command(verb, args);
    return spawn(file, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  }
}
