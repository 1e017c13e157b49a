import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import type { LaunchClient } from '../../src/containerizer/container/program.js';
import { provideImage } from '../../src/containerizer/image/provide.js';
import { launchPod, type RunningPod } from '../../src/containerizer/pod/launch-pod.js';
import { type PodRequest, planPod } from '../../src/containerizer/pod/plan-pod.js';
import { findPod, type Pod } from '../../src/containerizer/pod/pods.js';
import { readPodManifest } from '../../src/containerizer/pod/read-manifest.js';
import { native } from '../../src/native/index.js';
import { aciManifest, builtByActool } from '../fixtures/aci.js';
import { busyboxEntries } from '../fixtures/busybox-image.js';
import { layerTar } from '../fixtures/oci-image-writer.js';
import { Stage } from './stage.js';

export const image = 'example.com/app';

/** An app that runs a script. */
export const script = (text: string, members: Record<string, unknown> = {}) => ({
  exec: ['sh', '-c', text],
  user: '0',
  group: '0',
  ...members,
});

/** A stage whose store has busybox as an ACI that Debian's actool built. */
export class PodStage {
  readonly warnings: string[] = [];
  #made = 0;
  private constructor(readonly stage: Stage) {}

  static async open(t: Test): Promise<PodStage> {
    const stage = await Stage.open(t);
    const pods = new PodStage(stage);
    const annotations = [
      { name: 'authors', value: 'the image' },
      { name: 'example.com/kept', value: 'yes' },
    ];
    const manifest = aciManifest({ name: image, annotations, app: script('echo the image') });
    await pods.load(manifest);
    return pods;
  }

  async load(manifest: Record<string, unknown>): Promise<void> {
    const { stage } = this;
    const file = path.join(stage.folder, `built-${this.#made++}.aci`);
    const tree = await layerTar(busyboxEntries());
    await provideImage(stage.roots, builtByActool(stage.folder, file, manifest, tree));
  }

  /** A manifest of these apps in a file. */
  manifest(apps: Record<string, unknown>, members: Record<string, unknown> = {}): string {
    const file = path.join(this.stage.folder, `pod-${this.#made++}.json`);
    const content = {
      acKind: 'PodManifest',
      acVersion: '0.8.11',
      apps: Object.entries(apps).map(([name, app]) =>
        app !== null && typeof app === 'object' && 'app' in app
          ? { name, image: { name: image }, ...app }
          : { name, image: { name: image }, app },
      ),
      ...members,
    };
    writeFileSync(file, JSON.stringify(content));
    return file;
  }

  /** Starts a pod in this process. */
  async start(
    file: string,
    request: Partial<PodRequest> = {},
    client: LaunchClient | null = null,
  ): Promise<RunningPod> {
    const { roots } = this.stage;
    const onWarning = (text: string) => this.warnings.push(text);
    const plan = await planPod(roots, readPodManifest(file), { remove: true, onWarning, ...request });
    return launchPod(roots, plan, client, onWarning);
  }

  /** Runs one to its end, and gives what its apps wrote. */
  async run(
    file: string,
    request: Partial<PodRequest> = {},
  ): Promise<{ stdout: string; status: number; uuid: string }> {
    const output = path.join(this.stage.folder, `output-${this.#made++}`);
    const fd = openSync(output, 'ax');
    try {
      const pod = await this.start(file, request, { stdout: fd, stderr: fd });
      const { status } = await pod.ended;
      await pod.gone;
      return { stdout: readFileSync(output, 'utf8'), status, uuid: pod.uuid };
    } finally {
      closeSync(fd);
    }
  }

  /** What is kept of a pod. */
  found(name: string): Pod {
    return findPod(this.stage.roots, name);
  }
}

/** A connection to the loopback of a pod, as a descriptor. */
export function connectInPod(pid: number, startTime: number, port: number): Promise<number> {
  const address = '127.0.0.1';
  return native().connectInNetwork({ pid, startTime, user: 0, address, port, milliseconds: 30_000 });
}
