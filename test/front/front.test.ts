import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { listContainers } from '../../src/containerizer/container/catalogue.js';
import type { Recipe } from '../../src/containerizer/container/recipe.js';
import { keepRecipe } from '../../src/containerizer/container/recipe-store.js';
import { removeContainer } from '../../src/containerizer/container/remove.js';
import { places } from '../../src/state/roots.js';
import { project } from '../cli/berth.js';
import { Stage, unlessRoot } from '../container/stage.js';
import { FrontStage, readRecipe, writeRecipe } from './front-stage.js';

t.test('a tree that is not built says so, and Node is found where it was', async (t) => {
  const folder = t.testdir({ bin: {} });
  for (const file of ['bin/berth', 'bin/berth.cjs', 'bin/package.json'])
    copyFileSync(path.join(project, file), path.join(folder, file));
  const bare = spawnSync(path.join(folder, 'bin/berth'), ['run'], { encoding: 'utf8' });
  t.match(bare, { status: 125, stdout: '', stderr: /^berth: not built: .*\nRun \.\/dev build/ });
  const front = path.join(project, 'build/Release/berth-front');
  symlinkSync(path.join(project, 'bin/berth'), path.join(folder, 'linked'));
  const version = (file: string, env: NodeJS.ProcessEnv) =>
    spawnSync(file, ['--version'], { encoding: 'utf8', env });
  t.match(version(front, { PATH: '/nowhere' }), { status: 0, stdout: /^berth \d/ }, 'that of the build');
  t.match(version(path.join(folder, 'linked'), { PATH: process.env['PATH'] }), { status: 0, stderr: '' });
});

t.test(
  'no shell stands before it: those drop variables whose names are none of theirs',
  unlessRoot,
  async (t) => {
    const stage = await Stage.open(t);
    const [file = '', ...words] = stage.command('run', ['--rm', '-e', 'a.b', stage.image.reference, 'env']);
    const told = spawnSync(file, words, { encoding: 'utf8', env: { ...process.env, 'a.b': 'kept' } });
    t.match(told, { status: 0, stdout: /^a\.b=kept$/m });
  },
);

t.test('without Node', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const reference = stage.image.reference;
  const front = new FrontStage(stage.folder, stage.roots);
  const removeAll = async () => {
    for (const each of listContainers(stage.roots)) await removeContainer(stage.roots, each, { force: true });
  };

  /** All that is kept of a container, but for what no two have in common. */
  const documentsOf = (id: string): Record<string, unknown> => {
    const volatile = ['config.json', 'launch.json', 'container.json'].map((name) =>
      path.join(places.run(stage.roots, id), name),
    );
    const durable = ['container.json', 'request.json'].map((name) =>
      path.join(places.container(stage.roots, id), name),
    );
    const firstId = (JSON.parse(readFileSync(volatile[2] ?? '', 'utf8')) as { first_id: number }).first_id;
    return Object.fromEntries(
      [...volatile, ...durable].map((file) => [
        file.replace(id, 'ID'),
        existsSync(file)
          ? readFileSync(file, 'utf8')
              .replaceAll(id, 'ID')
              .replaceAll(`:${firstId},`, ':FIRST,')
              .replace(/"created_at":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"/, 'CREATED')
          : null,
      ]),
    );
  };

  t.test('containers are the same, whoever launches them', async (t) => {
    const odd = 'a "b" \\ \n\t\u0001\u007f\u2028 é 😀 $HOME';
    const withEntry = await stage.makeImage([], { Entrypoint: ['sleep', '1000'], Cmd: [] });
    const [name, value] = ['-e', 'A=1'];
    const flags = [
      ...['-dit', name, value, '-eB=2=3', '-w', '/tmp', '-u33:4', '-h', 'host', '--domainname', 'd.e'],
      ...[
        '--label=k=v',
        '--annotation',
        'a=b',
        '--init',
        '--ulimit',
        'nofile=100:200',
        '--stop-signal',
        'INT',
      ],
      ...[
        '--stop-timeout',
        '2.5',
        '--umask',
        '077',
        '--group-add',
        'audio',
        '--shm-size',
        '1m',
        '--read-only',
      ],
      ...['--cap-add', 'SYS_NICE', '--cap-drop', 'KILL', '--network', 'none', '--oom-score-adj', '100'],
      ...['--sysctl', 'kernel.msgmax=4096', '--pids-limit', '50'],
    ];
    const limits = ['--memory', '64m', '--memory-swap=64m', '--memory-reservation', '32m', '--cpus', '0.5'];
    for (const words of [
      ['-d', reference, 'sleep', '1000'],
      ['-d', '--rm', '--json', reference, 'sh', '-c', 'sleep 1000', odd],
      [...flags, reference, 'sh'],
      ['-dit', reference],
      ['-d', ...limits, '--cpu-shares', '512', reference, 'sleep', '1000'],
      ['-d', '--entrypoint', 'sleep', reference, '1000'],
      ['-d', withEntry.reference],
    ]) {
      const what = words.join(' ').slice(0, 60);
      const idOf = ({ stdout }: SpawnSyncReturns<string>) => /[0-9a-f]{12}/.exec(stdout)?.[0] ?? '';
      const first = front.byNode(['run', ...words]);
      const second = front.run(['run', ...words]);
      t.match(
        [first, second],
        [
          { status: 0, stderr: '', node: true },
          { status: 0, stderr: '' },
        ],
        what,
      );
      t.equal(second.node, false, `no Node: ${what}`);
      t.equal(
        second.stdout.replace(/\d+}/, ''),
        first.stdout.replaceAll(idOf(first), idOf(second)).replace(/\d+}/, ''),
      );
      t.strictSame(documentsOf(idOf(second)), documentsOf(idOf(first)), what);
    }
    await removeAll();
  });

  t.test('programs find the same, and their ends are told in the same words', async (t) => {
    const look =
      'cat /proc/self/limits; grep -E "Sig|Shd" /proc/self/status; env; umask; id; ls /proc/self/fd';
    // What the caller has set for itself, and what Node would not leave so.
    const caller = 'trap "" HUP INT; ulimit -Sn 256; umask 077; exec 9</; exec "$@"';
    const both = (...args: string[]) => {
      const ways = [{ BERTH_FRONT: 'off' }, {}].map((environment: Record<string, string>) =>
        spawnSync('bash', ['-c', caller, 'bash', ...front.command(args, environment)], { encoding: 'utf8' }),
      );
      const [first, second] = ways.map(({ status, stdout, stderr }) => ({
        status,
        stdout: stdout.replaceAll(/[0-9a-f]{12}/g, 'ID'),
        stderr: stderr.replaceAll(/[0-9a-f]{12}/g, 'ID').replaceAll(/pid \d+/g, 'pid N'),
      }));
      t.strictSame(second, first, args.join(' '));
      return second;
    };
    t.match(both('run', '--rm', reference, 'sh', '-c', look), { status: 0, stdout: /Max open files/ });
    t.match(both('run', '--rm', reference, 'nope'), { status: 127, stderr: /not found in image/ });
    t.match(both('run', '--rm', reference, '/etc/passwd'), { status: 126 });
    t.match(both('run', '--rm', reference, 'sh', '-c', 'exit 5'), { status: 5, stderr: '' });
    t.match(both('run', reference, ''), { status: 125 });
    const hungry = ['--rm', '--memory', '16m', '--memory-swap', '16m', reference, 'sh', '-c'];
    t.match(both('run', ...hungry, 'exec tail /dev/zero'), { status: 137, stderr: /for want of memory/ });
    const full = 'exec "$@" >/dev/full';
    const lost = (environment: Record<string, string>) =>
      ['run', 'exec'].map((verb) => {
        const words = verb === 'run' ? ['--rm', reference] : ['c'];
        const command = front.command([verb, ...words, 'echo', 'x'], environment);
        const { status, stderr } = spawnSync('bash', ['-c', full, 'bash', ...command], { encoding: 'utf8' });
        return { status, stderr };
      });

    t.equal(front.run(['run', '-d', '--name', 'c', '-e', 'OWN=1', reference, 'sleep', '1000']).status, 0);
    t.match(lost({}), [{ status: 125, stderr: /^berth: stdout: .*status 0/ }, { status: 125 }]);
    t.strictSame(lost({}), lost({ BERTH_FRONT: 'off' }), 'a disk that is full');
    t.match(both('exec', 'c', 'sh', '-c', look), { status: 0 });
    t.match(both('exec', '-t', '-e', 'A=1', '-eOWN=2', '-w', '/tmp', '-u', '33', 'c', 'sh', '-c', look), {
      status: 0,
      stdout: /OWN=2/,
    });
    for (const words of [
      ['c', 'nope'],
      ['c', '/etc/passwd'],
      ['-w', '/no', 'c', 'true'],
      ['-u', 'no', 'c', 'id'],
    ])
      both('exec', ...words);
    both('exec', 'nobody', 'true');
    const id = listContainers(stage.roots)[0]?.document.id ?? '';
    for (const way of ['c', id, id.slice(0, 5)])
      t.match(front.run(['exec', way, 'echo', 'hi']), { status: 0, stdout: 'hi\n', node: false }, way);
    t.equal(front.run(['exec', '--privileged', 'c', 'true']).node, true, 'the rest is for Node');
    t.equal(front.run(['exec', 'c', 'true'], { BERTH_FRONT: 'off' }).node, true);
    for (const args of [
      ['run', '--rm', '-d', reference, 'true'],
      ['run', '-d', reference, 'sleep', '1000'],
    ]) {
      front.run(args);
      const said = spawnSync('bash', ['-c', full, 'bash', ...front.command(args)], { encoding: 'utf8' });
      t.match(
        said,
        { status: 125, stderr: /^berth: run: no space is left on the disk of standard output/ },
        'nobody was told of it',
      );
    }
    t.equal(listContainers(stage.roots).filter(({ state }) => state === 'running').length, 2);
    await removeAll();
  });

  t.test('a supervisor that is killed under it', async (t) => {
    const words = ['run', '--rm', reference, 'sh', '-c'];
    front.run([...words, 'true']);
    const child = front.spawn([...words, 'echo up; sleep 1000']);
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    t.match(readFileSync(`/proc/${child.pid}/comm`, 'utf8'), 'berth\n', 'no wrapper stays');
    process.kill(listContainers(stage.roots)[0]?.process?.supervisor.pid ?? -1, 'SIGKILL');
    t.equal(await new Promise((resolve) => child.once('close', resolve)), 137);
    t.strictSame(listContainers(stage.roots), []);
  });

  const plain = ['run', '--rm', reference, 'echo', 'x'];
  /** Makes the recipe anew, and gives its file. */
  const learn = (): string => {
    front.forget();
    t.match(front.run(plain), { status: 0, stdout: 'x\n', node: true });
    t.match(front.run(plain), { status: 0, stdout: 'x\n', node: false });
    return front.recipes()[0] ?? '';
  };

  t.test('every condition of a recipe is looked at', async (t) => {
    const file = learn();
    const recipe = readRecipe(file);
    const changed: [string, object][] = [
      ['format', { ...recipe, format: 2 }],
      ['build', { ...recipe, build: '0'.repeat(64) }],
      ['no build', { ...recipe, build: undefined }],
      ['documents', { ...recipe, documents: { ...recipe.documents, config: ['{', 'unknown', '}'] } }],
    ];
    const { conditions } = recipe;
    const withConditions = (name: string, change: Partial<Recipe['conditions']>) =>
      changed.push([name, { ...recipe, conditions: { ...conditions, ...change } }]);
    for (const name of ['boot_id', 'front', 'mounts'] as const) withConditions(name, { [name]: 'other' });
    for (const name of Object.keys(conditions) as (keyof typeof conditions)[])
      changed.push([`no ${name}`, { ...recipe, conditions: { ...conditions, [name]: undefined } }]);
    for (const [each, digest] of Object.entries(conditions.files)) {
      const other = digest === null ? '0'.repeat(64) : null;
      for (const said of [other, '1'.repeat(64)])
        withConditions(each, { files: { ...conditions.files, [each]: said } });
    }
    for (const [each, there] of Object.entries(conditions.paths))
      withConditions(each, { paths: { ...conditions.paths, [each]: !there } });
    for (const each of Object.keys(conditions.places))
      withConditions(each, { places: { ...conditions.places, [each]: '1:2' } });
    t.ok(Object.keys(conditions.files).length >= 4, 'names, ids, layout and layer');
    for (const [name, other] of changed) {
      writeRecipe(file, other);
      t.equal(front.wouldTakeNode(plain), true, name);
    }
    writeRecipe(file, recipe);
    t.equal(front.run(plain).node, false, 'as it was');
  });

  t.test('what a recipe was made of changes', async (t) => {
    const file = learn();
    const whole = readFileSync(file);
    const doubt = (what: string, change: () => void, undo: () => void = () => {}) => {
      rmSync(file, { force: true });
      writeFileSync(file, whole, { mode: 0o600 });
      t.equal(front.wouldTakeNode(plain), false, `${what}: it is believed`);
      change();
      t.equal(front.wouldTakeNode(plain), true, what);
      undo();
    };
    const other = path.join(stage.folder, 'recipe-elsewhere');
    const cache = places.cache(stage.roots);
    doubt('torn', () => truncateSync(file, statSync(file).size - 1));
    doubt('altered', () => {
      const text = whole.toString('latin1');
      const altered = text.replace('readonly\\":false', 'readonly\\":true');
      t.not(altered, text);
      writeFileSync(file, altered, 'latin1');
    });
    doubt('empty', () => truncateSync(file, 0));
    doubt('garbage', () => writeFileSync(file, 'garbage'.repeat(1000)));
    doubt('readable by others', () => chmodSync(file, 0o644));
    doubt("somebody else's", () => chownSync(file, 1, 1));
    doubt('a link', () => {
      renameSync(file, other);
      symlinkSync(other, file);
    });
    for (const folder of [places.recipes(stage.roots), cache, stage.roots.root]) {
      const { mode } = statSync(folder);
      doubt(
        `${folder} is writable by others`,
        () => chmodSync(folder, 0o777),
        () => chmodSync(folder, mode & 0o7777),
      );
      doubt(
        `${folder} is somebody else's`,
        () => chownSync(folder, 1, 1),
        () => chownSync(folder, 0, 0),
      );
    }
    doubt('another image got a name', () => front.run(['image', 'tag', reference, 'other']));
  });

  t.test('the image goes, moves, or is another', async (t) => {
    const image = await stage.makeImage([{ name: 'mark', content: 'old' }]);
    const newer = await stage.makeImage([{ name: 'mark', content: 'new' }]);
    // Of a registry that is not there.
    const mine = 'localhost:1/mine';
    const named = ['run', '--rm', mine, 'cat', '/mark'];
    const tag = (from: string) => t.equal(front.run(['image', 'tag', from, mine]).status, 0);
    tag(image.reference);
    front.run(named);
    t.match(front.run(named), { stdout: 'old', node: false });
    tag(newer.reference);
    t.match(front.run(named), { stdout: 'new', node: true }, 'a tag that has moved');
    t.match(front.run(named), { stdout: 'new', node: false });
    t.equal(front.run(['image', 'rm', mine]).status, 0);
    t.match(front.run(named), { status: 125, stdout: '', node: true });
  });

  t.test('the same words mean something else elsewhere', async (t) => {
    front.run(plain);
    t.equal(front.run(plain).node, false);
    const elsewhere = (roots: Partial<typeof stage.roots>) =>
      new FrontStage(stage.folder, { ...stage.roots, ...roots }).run(plain);
    t.equal(elsewhere({ state: `${stage.roots.state}-2` }).node, true, 'another state');
    t.teardown(() => rmSync(`${stage.roots.state}-2`, { recursive: true, force: true }));
    t.equal(elsewhere({ root: `${stage.roots.root}/../root` }).node, true, 'a path that is not plain');
    const variable = ['run', '--rm', '-e', 'MINE', reference, 'sh', '-c', 'echo $MINE'];
    for (const MINE of ['1', '2'])
      t.match(front.run(variable, { MINE }), { stdout: `${MINE}\n`, node: true }, 'the environment');
    for (const flags of [
      ['--name', 'n'],
      ['--tmpfs', '/t'],
      ['-v', `${stage.folder}:/t`],
      ['--network', 'host'],
      ['--pull', 'never'],
    ])
      for (let time = 0; time < 2; time++)
        t.match(
          front.run(['run', '--rm', ...flags, reference, 'true']),
          { status: 0, node: true },
          flags.join(' '),
        );
  });

  t.test('another build', async (t) => {
    const copy = path.join(stage.folder, 'installed');
    for (const part of ['bin', 'dist/bundle', 'build/Release/berth-front', 'build/Release/berth-init']) {
      mkdirSync(path.dirname(path.join(copy, part)), { recursive: true });
      cpSync(path.join(project, part), path.join(copy, part), { recursive: true, verbatimSymlinks: true });
    }
    symlinkSync(path.join(project, 'build/Release/berth.node'), path.join(copy, 'build/Release/berth.node'));
    const installed = new FrontStage(stage.folder, stage.roots, copy);
    const teach = () => {
      installed.run(plain);
      t.equal(installed.run(plain).node, false);
    };
    teach();
    const bundle = path.join(copy, 'dist/bundle/berth.cjs');
    // V8 tells code that it has compiled by its length.
    rmSync(`${bundle}.cache`);
    writeFileSync(bundle, readFileSync(bundle, 'utf8').replace(/"[0-9a-f]{64}"/, `"${'a'.repeat(64)}"`));
    t.equal(installed.run(plain).node, true, 'of the JavaScript');
    teach();
    const program = path.join(copy, 'build/Release/berth-front');
    utimesSync(program, new Date(), new Date());
    t.equal(installed.run(plain).node, true, 'of the front');
  });

  t.test('they are few, and the newest', async (t) => {
    front.forget();
    for (let i = 0; i < 70; i++) {
      keepRecipe(stage.roots, [`${i}`], { format: 1 });
      const newest = front.recipes().map((file) => statSync(file).mtimeMs);
      if (newest.length > 64) t.fail(`${newest.length} recipes`);
      if (i >= 60) await sleep(2);
    }
    t.equal(front.recipes().length, 64);
    t.equal(front.run(plain).node, true);
    t.equal(front.run(plain).node, false, 'the last one is there');
    t.equal(front.recipes().length, 64);
  });
});
