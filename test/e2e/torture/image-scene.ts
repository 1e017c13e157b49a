import type { ChildProcess } from 'node:child_process';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import { listContainers } from '../../../src/containerizer/container/catalogue.js';
import { removeContainer } from '../../../src/containerizer/container/remove.js';
import { sweepShared } from '../../../src/containerizer/container/shared-sweep.js';
import { readNames } from '../../../src/containerizer/image/names.js';
import { collectImages } from '../../../src/containerizer/reclaim/collect-images.js';
import { BerthError } from '../../../src/errors/berth-error.js';
import type { Stage } from '../../container/stage.js';
import { busyboxEntries } from '../../fixtures/busybox-image.js';
import { type LayerEntry, layerTar, writeImage } from '../../fixtures/oci-image-writer.js';
import { until } from '../../fixtures/until.js';
import type { DockerRegistry } from '../../registry/docker-registry.js';
import type { Random } from './random.js';
import { faultsOf, type KnownTrees, orphansOf } from './store-audit.js';

/** Something that somebody does to the store, and what it does to names when it comes to its end. */
interface Act {
  words: [string, ...string[]];
  brings?: string;
  /** A name, or every one that may go. */
  removes?: string | 'unused';
  /** Nothing that others do meanwhile is a reason not to come to its end. */
  sure: boolean;
}

/** Before it is known how long a verb takes, in milliseconds. */
const firstGuess = 900;
const noise = 2 << 20;

/** One store, and those who are at it at once, most of whom are killed. */
export class ImageScene {
  readonly #known: KnownTrees = new Map();
  /** How long verbs took that nobody killed. */
  readonly #took = new Map<string, number>();
  /** What `cat /mark` says in each image. */
  readonly #marks = new Map<string, string>();
  readonly counts = { acts: 0, killed: 0, finished: 0, refused: 0 };

  private constructor(
    private readonly t: Test,
    private readonly stage: Stage,
    private readonly random: Random,
    private readonly host: string,
  ) {}

  static async open(t: Test, stage: Stage, registry: DockerRegistry, random: Random): Promise<ImageScene> {
    const scene = new ImageScene(t, stage, random, registry.host);
    for (const name of ['one', 'two']) {
      const reference = await scene.#layout(name);
      execFileSync('skopeo', [
        ...['--insecure-policy', 'copy', '--quiet', '--dest-tls-verify=false'],
        ...[reference, `docker://${registry.host}/${name}:1`],
      ]);
    }
    const loaded = await scene.#layout('loaded');
    execFileSync('tar', [
      '-C',
      loaded.slice('oci:'.length).replace(/:[^/]*$/, ''),
      '-cf',
      scene.#archive,
      '.',
    ]);
    const kept = stage.berth('image load', await scene.#layout('kept'), scene.#name('kept'));
    t.equal(kept.status, 0, kept.stderr);
    mkdirSync(scene.#recipe);
    const entries = [{ file: '/mark', text: 'built' }];
    const recipe = { from: scene.#name('kept'), layers: [entries], config: {} };
    writeFileSync(path.join(scene.#recipe, 'berth-image.json'), JSON.stringify(recipe));
    scene.#marks.set(scene.#name('built'), 'built');
    return scene;
  }

  get #archive(): string {
    return path.join(this.stage.folder, 'loaded.tar');
  }

  get #recipe(): string {
    return path.join(this.stage.folder, 'recipe');
  }

  #name(short: string): string {
    return `${this.host}/${short}:1`;
  }

  /** Of two layers, the lower one the same in all. */
  async #layout(name: string): Promise<string> {
    this.#marks.set(this.#name(name), name);
    const bytes = Buffer.alloc(noise);
    for (let i = 0; i < noise; i += 4) bytes.writeUInt32LE(Math.floor(this.random.next() * 2 ** 32), i);
    const own: LayerEntry[] = [
      { name: 'mark', content: name },
      { name: 'noise', content: bytes },
      ...Array.from({ length: 200 }, (_, i) => ({ name: `many/${i}`, content: `${name} ${i}` })),
      { name: 'hard', type: 'link', link: 'mark' },
    ];
    const layers = [{ tar: await layerTar(busyboxEntries()) }, { tar: await layerTar(own) }];
    const config = { Env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'], Cmd: ['sh'] };
    return writeImage(path.join(this.stage.folder, `layout-${name}`), { layers, config }).reference;
  }

  #act(): Act {
    const { random } = this;
    const pulled = this.#name(random.pick(['one', 'two']));
    const any = this.#name(random.pick(['one', 'two', 'loaded', 'built']));
    const load: Act['words'] = ['image load', '-i', this.#archive, this.#name('loaded')];
    const run: Act['words'] = ['run', '--rm', '--network', 'none', any, 'cat', '/mark'];
    const pull: Act['words'] = [
      'image pull',
      '--tls-verify=false',
      '--layers',
      random.pick(['folder', 'erofs']),
      pulled,
    ];
    const policy = ['--unused-for', '0s', '--keep', this.#name('kept')];
    return random.pick<Act>([
      { words: pull, brings: pulled, sure: true },
      { words: pull, brings: pulled, sure: true },
      // Of those that do not say.
      { words: ['image layers', random.pick(['folder', 'erofs'])], sure: true },
      { words: load, brings: this.#name('loaded'), sure: true },
      {
        words: ['image build', '-t', this.#name('built'), this.#recipe],
        brings: this.#name('built'),
        sure: true,
      },
      { words: run, sure: false },
      { words: ['image rm', any], removes: any, sure: false },
      { words: ['image gc'], sure: true },
      { words: ['image gc', ...policy], removes: 'unused', sure: true },
    ]);
  }

  /** Some at once; then nobody, and the store is looked through. */
  async round(number: number, collect: boolean): Promise<void> {
    const { t, random, stage } = this;
    const before = Object.keys(readNames(stage.roots).images);
    const acts = Array.from({ length: 1 + Math.floor(random.between(0, 3)) }, () => this.#act());
    const done = await Promise.all(acts.map((act) => this.#perform(act)));
    const what = `round ${number}: ${done.join('; ')}`;
    await this.#endContainers();

    const names = readNames(stage.roots).images;
    const lasting = [
      ...before,
      ...acts.flatMap(({ brings }, i) => (done[i]?.endsWith(': 0') && brings) || []),
    ];
    for (const name of lasting) {
      const leaves = ({ removes }: Act) =>
        removes === name || (removes === 'unused' && name !== this.#name('kept'));
      if (!acts.some(leaves)) t.ok(Object.hasOwn(names, name), `${what}: ${name} is there`);
    }
    t.strictSame(faultsOf(stage.roots, this.#known), [], what);
    const used = random.pick([this.#name('kept'), ...Object.keys(names)]);
    const mark = this.#marks.get(used);
    if (mark !== undefined) {
      const ran = stage.berth('run', '--rm', '--network', 'none', '--pull', 'never', used, 'cat', '/mark');
      t.match(ran, { status: 0, stdout: mark }, `${what}: run ${used}: ${ran.stderr}`);
    }
    if (!collect) return;
    await collectImages(stage.roots, { keep: [] }, { dryRun: false });
    // What those who were killed had mounted goes with the next who looks.
    sweepShared(stage.roots);
    t.strictSame(orphansOf(stage.roots), [], `${what}: orphans`);
    t.strictSame(faultsOf(stage.roots, this.#known), [], `${what}: collected`);
  }

  /** What it was and how it ended, in words. */
  async #perform({ words, sure }: Act): Promise<string> {
    const { random, stage, t } = this;
    const [verb, ...rest] = words;
    const usual = this.#took.get(verb) ?? firstGuess;
    await sleep(random.chance(0.5) ? 0 : random.between(0, usual / 2));
    const moment = random.chance(0.7) ? random.between(10, usual * 1.1) : undefined;
    const start = performance.now();
    const child = stage.spawn(verb, ...rest);
    const { how, said } = await ended(child, moment);
    this.counts.acts += 1;
    const told = `${words.join(' ')}${moment === undefined ? '' : ` (-9 after ${moment.toFixed(0)} ms)`}: ${how}`;
    if (how === 'SIGKILL') {
      this.counts.killed += 1;
      return told;
    }
    this.#took.set(verb, performance.now() - start);
    if (how === '0') {
      this.counts.finished += 1;
      return told;
    }
    this.counts.refused += 1;
    t.match(said, /^berth: /m, told);
    t.notMatch(said, /\n\s+at /, told);
    t.notOk(sure, `${told}: ${said}`);
    return `${told} (${said.trim().split('\n')[0]})`;
  }

  /** What a launcher that was killed has left goes on to its end. */
  async #endContainers(): Promise<void> {
    const { roots } = this.stage;
    await until(async () => {
      const all = listContainers(roots, () => {});
      for (const each of all) {
        try {
          await removeContainer(roots, each, { force: true });
        } catch (error) {
          const again = error instanceof BerthError && /^CONTAINER_/.test(error.code);
          if (!again) throw error;
        }
      }
      return all.length === 0;
    });
  }
}

/** Its status or the signal that ended it, and what it said on stderr. */
async function ended(
  child: ChildProcess,
  moment: number | undefined,
): Promise<{ how: string; said: string }> {
  let said = '';
  child.stdout?.resume();
  child.stderr?.on('data', (piece: Buffer) => {
    said += String(piece);
  });
  const gone = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  const timer = moment === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), moment);
  const [status, signal] = await gone;
  clearTimeout(timer);
  return { how: String(signal ?? status), said };
}
