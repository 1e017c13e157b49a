import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { findContainer, listContainers } from '../../src/containerizer/container/catalogue.js';
import { createContainer } from '../../src/containerizer/container/create.js';
import { lockStart } from '../../src/containerizer/container/kept-request.js';
import { removeContainer } from '../../src/containerizer/container/remove.js';
import { startContainer } from '../../src/containerizer/container/start.js';
import { places } from '../../src/state/roots.js';
import { defaults, Stage, unlessRoot } from './stage.js';

t.test('containers that are created first, and started again', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const { roots } = stage;
  const create = (command: string[], options: Partial<typeof defaults> & { name?: string } = {}) =>
    createContainer(roots, {
      image: stage.image,
      options: { ...defaults, remove: false, ...options, command },
    });
  const start = async (id: string) => {
    const running = await startContainer(roots, findContainer(roots, id), { client: null });
    return running === undefined ? undefined : (await running.ended).status;
  };
  const state = (id: string) => findContainer(roots, id).state;
  const remove = (id: string, force = false) => removeContainer(roots, findContainer(roots, id), { force });

  t.test('nothing runs until it is started; what was written stays', async (t) => {
    const script = 'echo $HOSTNAME >> /count; [ $(grep -c . /count) -lt 3 ]';
    const { id } = await create(['sh', '-c', script], { name: 'counter', hostname: 'kept' });
    t.equal(state('counter'), 'created');
    t.notOk(existsSync(places.run(roots, id)), 'nothing volatile is made');
    await t.rejects(create(['true'], { name: 'counter' }), { code: 'NAME_IN_USE' });
    for (const status of [0, 0, 1]) {
      t.equal(await start(id), status);
      t.equal(state(id), 'exited');
    }
    t.equal(readFileSync(path.join(places.container(roots, id), 'upper/count'), 'utf8'), 'kept\n'.repeat(3));
    // As after a restart of the host: the volatile state is gone, and with it the end.
    rmSync(places.run(roots, id), { recursive: true });
    t.equal(state(id), 'exited');
    t.equal(await start(id), 1);
    await remove(id);
    t.strictSame(listContainers(roots), []);
  });

  t.test('one that was run is started again; one that runs is left alone', async (t) => {
    const container = await stage.start(['sh', '-c', 'echo x >> /runs; sleep 1000'], { remove: false });
    t.equal(await start(container.id), undefined);
    container.signal(9);
    await container.ended;
    await container.gone;
    const again = await startContainer(roots, findContainer(roots, container.id), { client: null });
    t.equal(again?.id, container.id);
    t.equal(state(container.id), 'running');
    again?.signal(9);
    await again?.gone;
    await remove(container.id);
  });

  t.test('who inspects it while it is started again reads whole documents', async (t) => {
    const { id } = await create(['true']);
    const files = ['config.json', 'launch.json'].map((name) => path.join(places.run(roots, id), name));
    const torn: string[] = [];
    let read = 0;
    for (let times = 0; times < 60; times++) {
      let ended = false;
      const status = start(id).finally(() => {
        ended = true;
      });
      for (; !ended; await new Promise(setImmediate))
        for (const file of files) {
          const text = textOf(file);
          if (text === undefined) continue;
          read++;
          if (!isJson(text)) torn.push(`${file}: ${text.length} characters`);
        }
      t.equal(await status, 0);
    }
    t.ok(read > 60);
    t.strictSame(torn, []);
    await remove(id);
  });

  t.test('what cannot be started is as it was', async (t) => {
    const { id } = await create(['/nosuch'], { remove: true });
    await t.rejects(start(id), { code: 'COMMAND_NOT_FOUND' });
    t.equal(state(id), 'created');
    t.notOk(existsSync(places.run(roots, id)));
    await t.rejects(start(id), { code: 'COMMAND_NOT_FOUND' }, 'once more');
    const held = lockStart(roots, id, 'x');
    await t.rejects(start(id), { code: 'CONTAINER_STATE' });
    await t.rejects(remove(id), { code: 'CONTAINER_STATE' });
    held?.release();
    await remove(id);
    await t.rejects(create([], { user: 'nobody', capAdd: ['FLY'] }), { code: 'USAGE' });
    await t.rejects(create(['true'], { name: '-bad' }), { code: 'USAGE' });
    t.strictSame(listContainers(roots), [], 'nothing is left of what was refused');
    const ended = await stage.start(['true'], { remove: false });
    await ended.gone;
    const source = path.join(stage.folder, 'source');
    mkdirSync(source);
    const volume = { source, target: '/v', readonly: false, recursive: false, idmap: true };
    const second = await create(['true'], { volumes: [volume] });
    t.equal(await start(second.id), 0);
    renameSync(source, `${source}-away`);
    await t.rejects(start(second.id), { code: 'LAUNCH_FAILED' });
    t.equal(state(second.id), 'exited');
    renameSync(`${source}-away`, source);
    t.equal(await start(second.id), 0, 'its files are still there');
    for (const each of listContainers(roots)) await remove(each.document.id);
  });

  t.test('the verbs', async (t) => {
    const made = stage.berth('create', '--name', 'verbs', '--rm', stage.image.name, 'sleep', '1000');
    t.equal(made.status, 0, made.stderr);
    t.match(stage.berth('ps', '-a').stdout, /verbs .*created/);
    t.match(stage.berth('wait', 'verbs').stderr, /never started/);
    t.equal(stage.berth('start', 'verbs').stdout, 'verbs\n');
    t.equal(stage.berth('start', 'verbs').status, 0, 'it runs');
    t.equal(stage.berth('restart', 'nosuch').status, 125);
    t.equal(stage.berth('rm', '-f', 'verbs').status, 0);
    const shown = stage.berth('create', '-i', '--name', 'shown', stage.image.name, 'sh', '-c', 'cat; exit 7');
    t.equal(shown.status, 0, shown.stderr);
    t.equal(stage.berth('start', '-ai', 'shown').status, 7, 'its input ends with ours');
    t.equal(stage.berth('rm', 'shown').status, 0);
    t.strictSame(listContainers(roots), []);
  });
});

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
