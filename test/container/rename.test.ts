import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { findContainer, namesOnRecord } from '../../src/containerizer/container/catalogue.js';
import { createContainer } from '../../src/containerizer/container/create.js';
import { removeDebris } from '../../src/containerizer/container/debris.js';
import { removeContainer } from '../../src/containerizer/container/remove.js';
import { renameContainer } from '../../src/containerizer/container/rename.js';
import { waitForExit } from '../../src/containerizer/container/wait.js';
import { Journal } from '../../src/containerizer/events/journal.js';
import { places } from '../../src/state/roots.js';
import { defaults, Stage, unlessRoot } from './stage.js';

t.test('a new name, whatever the state', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const { roots } = stage;
  const names = () => readdirSync(places.names(roots)).sort();
  const rename = (from: string, to: string) => renameContainer(roots, findContainer(roots, from), to);
  const stays = await stage.start(['sleep', '1000'], { remove: false, name: 'stays' });
  const goes = await stage.start(['sleep', '1000'], { name: 'goes' });
  const nameless = await stage.start(['sleep', '1000']);
  await createContainer(roots, {
    image: stage.image,
    options: { ...defaults, remove: false, name: 'waits', command: ['true'] },
  });
  await rename('stays', 'stays-2');
  await rename('goes', 'goes-2');
  await rename(nameless.id, 'named');
  await rename('waits', 'waits-2');
  t.strictSame(names(), ['goes-2', 'named', 'stays-2', 'waits-2']);
  t.strictSame(namesOnRecord(roots, stays.id), ['stays-2', 'stays-2']);
  t.throws(() => findContainer(roots, 'stays'), { code: 'CONTAINER_NOT_FOUND' });

  // The old name is free, the new ones are not, and others are no names.
  const other = await stage.start(['sleep', '1000'], { name: 'goes' });
  await t.rejects(rename('stays-2', 'goes'), { code: 'NAME_IN_USE' });
  await t.rejects(rename('stays-2', 'stays-2'), { code: 'USAGE', message: /has that name already/ });
  await t.rejects(rename('stays-2', '../x'), {
    code: 'USAGE',
    message: /^rename stays-2 \.\.\/x: a name has/,
  });
  t.match(stage.berth('rename', 'stays-2', 'stays-3', '--json'), {
    status: 0,
    stdout: `${JSON.stringify({ id: stays.id, name: 'stays-3' })}\n`,
  });

  // What a supervisor takes along at the end is the name of now, and not one that is another's by now.
  for (const container of [goes, nameless]) {
    container.signal(9);
    await container.ended;
    await container.gone;
  }
  t.strictSame(names(), ['goes', 'stays-3', 'waits-2']);
  t.equal(findContainer(roots, 'goes').document.id, other.id);
  const journal = new Journal(roots);
  const told = [...journal.events(goes.id)].filter(({ id }) => id === goes.id);
  journal.close();
  t.strictSame(
    told
      .filter(({ action }) => ['rename', 'die', 'destroy'].includes(action))
      .map(({ action, name }) => `${action} ${name}`),
    ['rename goes-2', 'die goes-2', 'destroy goes-2'],
  );
  t.match(
    told.find(({ action }) => action === 'rename'),
    { attributes: { old_name: 'goes' } },
  );

  // It starts again under that name.
  stays.signal(9);
  await stays.ended;
  await stays.gone;
  t.equal(stage.berth('start', 'stays-3').status, 0);
  await rename('stays-3', 'stays-4');
  t.equal(stage.berth('kill', 'stays-4').status, 0);
  await waitForExit(roots, findContainer(roots, 'stays-4'));
  other.signal(9);
  await other.ended;
  await other.gone;
  for (const name of ['stays-4', 'waits-2'])
    await removeContainer(roots, findContainer(roots, name), { force: true });
  t.strictSame(names(), []);
});

/** A renamer that is killed before its Nth change of the file system. */
const killed = `
  import fs from 'node:fs';
  import { syncBuiltinESMExports } from 'node:module';
  const [, module, catalogue, root, state, from, to, deadline] = process.argv;
  const { renameContainer } = await import(module);
  const { findContainer } = await import(catalogue);
  let steps = 0;
  for (const name of ['symlinkSync', 'renameSync', 'rmSync', 'openSync', 'writeSync', 'fsyncSync']) {
    const real = fs[name];
    fs[name] = (...words) => {
      if (++steps === Number(deadline)) process.kill(process.pid, 'SIGKILL');
      return real(...words);
    };
  }
  syncBuiltinESMExports();
  const roots = { root, state };
  await renameContainer(roots, findContainer(roots, from), to);
`;

t.test('killed at any step, it has one name that works, or both', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const { roots } = stage;
  const container = await stage.start(['sleep', '1000'], { remove: false, name: 'old' });
  const file = (name: string) =>
    new URL(`../../src/containerizer/container/${name}.js`, import.meta.url).href;
  const find = (name: string) => {
    try {
      return findContainer(roots, name).document.id;
    } catch {
      return undefined;
    }
  };
  let killedTimes = 0;
  for (let step = 1; step < 100; ++step) {
    const words = [file('rename'), file('catalogue'), roots.root, roots.state, 'old', 'new', String(step)];
    const { signal, status, stderr } = spawnSync(
      process.execPath,
      ['--input-type=module', '-e', killed, '--', ...words],
      { encoding: 'utf8' },
    );
    const found = ['old', 'new'].filter((name) => find(name) === container.id);
    t.ok(found.length > 0, `step ${step}: ${found}`);
    t.ok(
      found.includes(findContainer(roots, container.id).document.name),
      'the one that it says it has works',
    );
    t.ok(removeDebris(roots));
    t.ok(
      ['old', 'new'].some((name) => find(name) === container.id),
      'and still when all was cleared up',
    );
    if (signal === null) {
      t.equal(status, 0, stderr);
      break;
    }
    killedTimes++;
    // Whoever comes next finishes it, or takes it back.
    if (findContainer(roots, container.id).document.name === 'old') {
      await renameContainer(roots, findContainer(roots, container.id), 'new');
    }
    await renameContainer(roots, findContainer(roots, 'new'), 'old');
    t.strictSame(readdirSync(places.names(roots)), ['old']);
    t.strictSame(namesOnRecord(roots, container.id), ['old', 'old']);
  }
  t.ok(killedTimes > 10);
  t.equal(readlinkSync(path.join(places.names(roots), 'new')), container.id);
  t.notMatch(
    readFileSync(path.join(places.container(roots, container.id), 'container.json'), 'utf8'),
    /"old"/,
  );
  container.signal(9);
  await container.ended;
  await container.gone;
  await removeContainer(roots, findContainer(roots, 'new'), { force: true });
});
