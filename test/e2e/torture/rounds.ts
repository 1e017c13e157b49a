import type { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { places } from '../../../src/state/roots.js';
import { killIfThere, type Scene } from './scene.js';

/** One way of dying. */
export type Round = (scene: Scene) => Promise<void>;

const script = 'echo up; sleep 0.4; exit 3';

function flagsOf({ random }: Scene): string[] {
  return [
    ...(random.chance(0.5) ? ['--rm'] : []),
    ...(random.chance(0.5) ? ['-d'] : []),
    ...(random.chance(0.5) ? ['--name', 'victim'] : []),
  ];
}

/** Is a disk full in this round? Then anything may be refused. */
const isFull = ({ what }: Scene): boolean => what.includes('(full');

/** A launcher dies anywhere in its start, launch or wait; a supervisor or payload once it is there. */
async function killOneOf(scene: Scene, child: ChildProcess): Promise<void> {
  const { random, t } = scene;
  const victim = random.pick(['launcher', 'launcher', 'supervisor', 'payload', 'both'] as const);
  const moment = victim === 'launcher' ? random.between(5, 150) : random.between(0, 15);
  scene.say(`${victim} after ${moment.toFixed(1)} ms`);
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.stdout?.resume();
  child.stderr?.resume();
  if (victim === 'launcher') {
    await sleep(moment);
    child.kill('SIGKILL');
  } else {
    const pids = (await scene.running(child))?.process;
    await sleep(moment);
    if (victim !== 'payload') killIfThere(pids?.supervisor.pid ?? -1);
    if (victim !== 'supervisor') killIfThere(pids?.task.pid ?? -1);
    if (victim === 'both') child.kill('SIGKILL');
  }
  const allowed = [...(victim === 'launcher' ? [0] : []), 3, 137];
  for (const { state, status } of await scene.statuses())
    t.ok(allowed.includes(status), `${scene.what}: status ${status} of ${state}`);
  await gone;
}

const run: Round = async (scene) => {
  const { stage } = scene;
  const flags = flagsOf(scene);
  scene.say(`run ${flags.join(' ')}:`);
  await killOneOf(scene, stage.spawn('run', ...flags, stage.image.reference, 'sh', '-c', script));
};

/** As a user does, who tries again when told to. */
async function removeAll(scene: Scene, ...flags: string[]): Promise<void> {
  for (const { document } of scene.containers) {
    let said = '';
    const removed = await scene.comesAbout(() => {
      const { status, stderr } = scene.stage.berth('rm', '-f', ...flags, document.id);
      said = stderr;
      return status === 0 || !stderr.includes('Try again');
    });
    scene.t.ok(removed && said === '', `${scene.what}: rm ${flags.join(' ')}: ${said}`);
  }
}

const volumes: Round = async (scene) => {
  const { stage, t } = scene;
  const flags = [...flagsOf(scene), '-v', 'kept:/etc', '-v', '/tmp/own'];
  scene.say(`run ${flags.join(' ')}:`);
  await killOneOf(scene, stage.spawn('run', ...flags, stage.image.reference, 'sh', '-c', script));
  await removeAll(scene, '-v');
  for (const name of readdirIfThere(places.volumes(stage.roots)).filter((each) => each === 'kept')) {
    const removed = stage.berth('volume rm', name);
    t.equal(removed.status, 0, `${scene.what}: volume rm: ${removed.stderr}`);
  }
  if (!isFull(scene))
    t.strictSame(
      readdirIfThere(places.volumes(stage.roots)).filter((name) => !name.startsWith('.')),
      [],
    );
};

const networks: Round = async (scene) => {
  const { stage, t } = scene;
  const made = stage.berth('network create', 'wire');
  if (made.status !== 0) {
    t.ok(isFull(scene), `${scene.what}: network create: ${made.stderr}`);
    return;
  }
  const flags = [...flagsOf(scene), '--network', 'wire', '-p', '127.0.0.1::80', '-p', '0.0.0.0:8099:81'];
  scene.say(`run ${flags.join(' ')}:`);
  await killOneOf(scene, stage.spawn('run', ...flags, stage.image.reference, 'sh', '-c', script));
  await removeAll(scene);
  const removed = stage.berth('network rm', 'wire');
  t.equal(removed.status, 0, `${scene.what}: network rm: ${removed.stderr}`);
};

/** Of programs that were sent into a container of that root. */
function execSupervisors(root: string): number[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    const words = readIfThere(`/proc/${pid}/cmdline`).split('\0');
    return words[0] === 'berth-init' && words.includes('--exec') && words.includes(root) ? [Number(pid)] : [];
  });
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

const exec: Round = async (scene) => {
  const { stage, random, t } = scene;
  const started = stage.berth('run', '-d', '--name', 'host', stage.image.reference, 'sleep', '1000');
  if (started.status !== 0) {
    t.ok(isFull(scene), `${scene.what}: run: ${started.stderr}`);
    return;
  }
  const victim = random.pick(['client', 'program', 'supervisor', 'nobody'] as const);
  // Whoever looks for its supervisor first must find it still.
  const nap = victim === 'supervisor' ? 1000 : 0.2;
  const child = stage.spawn('exec', 'host', 'sh', '-c', `echo up; sleep ${nap}; exit 4`);
  scene.say(`exec: ${victim}`);
  if (victim === 'program') {
    child.stdout?.once('data', () => {
      const all = stage.berth(
        'exec',
        'host',
        'sh',
        '-c',
        'kill -9 $(pidof sleep | tr " " "\\n" | grep -v "^1$") 2>&1',
      );
      t.ok(all.status !== null);
    });
  }
  if (victim === 'supervisor')
    child.stdout?.once('data', () => {
      for (const pid of execSupervisors(stage.roots.root)) killIfThere(pid);
    });
  await scene.killAfter(child, victim === 'client' ? random.between(5, 200) : 60_000);
  if (victim === 'nobody' && !isFull(scene)) t.equal(child.exitCode, 4, `${scene.what}: status of exec`);
  if (victim === 'supervisor' && !isFull(scene))
    t.equal(child.exitCode, 137, `${scene.what}: status of exec`);
  const host = scene.containers.find(({ document }) => document.name === 'host');
  t.equal(host?.state, 'running', `${scene.what}: the container goes on`);
};

/** Names of the files below the images that are no locks: what a cut off load has left is gone after the next. */
const imageFiles = ({ stage }: Scene): string[] =>
  readdirIfThere(places.images(stage.roots), true)
    .filter((name) => !/lock/.test(name))
    .sort();

const load: Round = async (scene) => {
  const { stage, random, t } = scene;
  const before = imageFiles(scene);
  const archive = path.join(stage.folder, 'other.tar');
  const child = stage.spawn('image load', '-i', archive, 'other:1');
  const moment = random.between(5, 120);
  scene.say(`image load, killed after ${moment.toFixed(1)} ms`);
  await scene.killAfter(child, moment);
  const listed = stage.berth('image ls', '--json');
  t.equal(listed.status, 0, `${scene.what}: image ls: ${listed.stderr}`);
  const again = stage.berth('image load', '-i', archive, 'other:1');
  t.ok(again.status === 0 || isFull(scene), `${scene.what}: once more: ${again.stderr}`);
  for (const disk of scene.disks) disk.empty();
  const whole = stage.berth('image load', '-i', archive, 'other:1');
  t.equal(whole.status, 0, `${scene.what}: with room: ${whole.stderr}`);
  const ran = stage.berth('run', '--rm', 'other:1', 'cat', '/extra');
  t.match(ran, { status: 0, stdout: 'more\n' }, `${scene.what}: run: ${ran.stderr}`);
  const removed = stage.berth('image rm', 'other:1');
  t.equal(removed.status, 0, `${scene.what}: image rm: ${removed.stderr}`);
  t.strictSame(imageFiles(scene), before, `${scene.what}: files of the store`);
};

const commit: Round = async (scene) => {
  const { stage, random, t } = scene;
  const before = imageFiles(scene);
  const words = [
    'run',
    '--name',
    'changed',
    stage.image.reference,
    'sh',
    '-c',
    'echo more > /extra',
  ] as const;
  const started = stage.berth(...words);
  if (started.status !== 0) {
    t.ok(isFull(scene), `${scene.what}: run: ${started.stderr}`);
    return;
  }
  const child = stage.spawn('commit', 'changed', 'made:1');
  const moment = random.between(5, 150);
  scene.say(`commit, killed after ${moment.toFixed(1)} ms`);
  await scene.killAfter(child, moment);
  for (const disk of scene.disks) disk.empty();
  const again = stage.berth('commit', 'changed', 'made:1');
  t.equal(again.status, 0, `${scene.what}: once more: ${again.stderr}`);
  const removed = stage.berth('image rm', 'made:1');
  t.equal(removed.status, 0, `${scene.what}: image rm: ${removed.stderr}`);
  t.strictSame(imageFiles(scene), before, `${scene.what}: files of the store`);
};

function readdirIfThere(folder: string, recursive = false): string[] {
  try {
    return readdirSync(folder, { recursive, encoding: 'utf8' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Those that come more often are there more often. */
export const rounds: readonly [Round, ...Round[]] = [run, run, run, volumes, networks, exec, load, commit];
