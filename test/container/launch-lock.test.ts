import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { readContainer } from '../../src/containerizer/container/catalogue.js';
import { cgroupPlaces } from '../../src/containerizer/container/cgroup-places.js';
import { lockLaunch } from '../../src/containerizer/container/launch-lock.js';
import { newId } from '../../src/containerizer/container/names.js';
import { removeContainer } from '../../src/containerizer/container/remove.js';
import { removeImage } from '../../src/containerizer/image/remove.js';
import { FileLock } from '../../src/state/lock.js';
import { places } from '../../src/state/roots.js';
import { Stage, unlessRoot } from './stage.js';

/** However slow the machine. */
async function until(what: string, holds: () => boolean): Promise<void> {
  for (let i = 0; i < 3000; i++) {
    if (holds()) return;
    await sleep(10);
  }
  throw new Error(`${what}: not within 30 s`);
}

/** A process that launches one container with that id when it is told to. */
async function launcher(stage: Stage, id: string): Promise<ChildProcess> {
  const url = (file: string) => new URL(file, import.meta.url).href;
  const script = `
    import { launchContainer } from '${url('../../src/containerizer/container/launch.js')}';
    import { defaultOptions } from '${url('../../src/containerizer/container/options.js')}';
    import { provideImage } from '${url('../../src/containerizer/image/provide.js')}';
    const roots = ${JSON.stringify(stage.roots)};
    const image = await provideImage(roots, ${JSON.stringify(stage.image.reference)});
    const options = { ...defaultOptions, command: ['sleep', '1000'], remove: true };
    process.stdin.once('data', () => launchContainer(roots, { image, options, client: null, id: '${id}' }));
    console.log('ready');`;
  const env = { ...process.env, NODE_OPTIONS: '' };
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  return child;
}

/** Holds a container in the middle of its launch: its first process is still berth's own. False: it came too late. */
async function hold(child: ChildProcess, unified: string): Promise<boolean> {
  child.stdin?.write('\n');
  const freeze = path.join(unified, 'cgroup.freeze');
  // Without a pause: the moment in which it works is a millisecond.
  for (const end = Date.now() + 30_000; Date.now() < end; ) {
    try {
      writeFileSync(freeze, '1');
      break;
    } catch (error) {
      if (!['ENOENT', 'ENODEV'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
  const members = () => readFileSync(path.join(unified, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean);
  await until('the first process', () => members().length > 0);
  await until('the freezer', () =>
    readFileSync(path.join(unified, 'cgroup.events'), 'utf8').includes('frozen 1'),
  );
  return readlinkSync(`/proc/${members()[0]}/exe`).includes('berth-init');
}

t.test('a launch keeps its lock when its launcher is killed', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const { roots } = stage;
  const lockFile = path.join(roots.root, 'launch.lock');
  const isFree = () => {
    const lock = FileLock.attempt(lockFile, 'exclusive');
    lock?.release();
    return lock !== undefined;
  };
  for (let tries = 0; ; tries++) {
    const id = newId();
    const { unified } = cgroupPlaces(roots, id);
    const child = await launcher(stage, id);
    const held = await hold(child, unified ?? '');
    child.kill('SIGKILL');
    await once(child, 'exit');
    if (held) {
      t.notOk(existsSync(path.join(places.run(roots, id), 'state.json')), 'nobody can see that it runs');
      t.notOk(isFree(), 'and it still says that it is on its way');
    }
    writeFileSync(path.join(unified ?? '', 'cgroup.freeze'), '0');
    await until('its record', () => readContainer(roots, id)?.state === 'running');
    await until('the lock', isFree);
    const container = readContainer(roots, id);
    t.match(container, { state: 'running' }, 'until it is on record');
    if (container !== undefined) await removeContainer(roots, container, { force: true });
    if (held) break;
    if (tries === 30) throw new Error('no launch could be held');
  }
});

t.test('image rm waits for launches', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const { roots } = stage;
  stage.berth('image load', stage.image.reference, 'one:1');
  const launching = await lockLaunch(roots);
  let removed = false;
  const removal = removeImage(roots, 'one:1', () => undefined).then(() => {
    removed = true;
  });
  // Many times as long as it takes: what is not waited for is over by then.
  await sleep(500);
  t.notOk(removed);
  launching.release();
  await removal;
  t.ok(removed);
  t.equal(stage.berth('image inspect', 'one:1').status, 125);
});
