import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { places } from '../../src/state/roots.js';
import { berth, berthCommand, project } from '../cli/berth.js';
import { Stage, unlessRoot } from '../container/stage.js';
import { leaksSince } from '../leaks/audit.js';
import { takeInventory } from '../leaks/inventory.js';

/** Everything that is refused: one line that says what and why, a mend, the status, and nothing left behind. */
t.test('bad input', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const reference = stage.image.reference;
  const file = path.join(stage.folder, 'file');
  writeFileSync(file, '');
  await stage.run(['true']);

  t.test('flags and commands that cannot be', async (t) => {
    const cases: [string[], number, RegExp][] = [
      [[reference, 'nonesuch'], 127, /^berth: command nonesuch: not found in image oci:/],
      [[reference, '/etc'], 126, /^berth: command \/etc: permission denied/],
      [
        ['-u', 'nobody-here', reference, 'true'],
        125,
        /^berth: user nobody-here: image oci:.* has no such user or group\nGive a number/,
      ],
      [['-u', '4294967296', reference, 'true'], 125, /^berth: user 4294967296: it is not a valid id\n/],
      [
        ['-u', '70000', reference, 'true'],
        125,
        /^berth: user 70000: its id is not one of the container's: those are 0 to 65535\n/,
      ],
      [
        ['-v', `${file}-gone:/x`, reference, 'true'],
        125,
        /^berth: volume .*file-gone: no such file or directory \(ENOENT\)\nMake it on the host first\.\n/,
      ],
      [['-v', 'na/med:/x', reference, 'true'], 125, /na\/med is neither a path nor the name of a volume/],
      [['-v', `${file}:/proc/x`, reference, 'true'], 125, /cannot lie in \/proc or \/sys/],
      [['-v', `${file}:/dev`, reference, 'true'], 125, /cannot be \/dev/],
      [['-v', `${file}:/a/../sys/x`, reference, 'true'], 125, /cannot lie in \/proc or \/sys/],
      [['-v', `${file}:/x:rx`, reference, 'true'], 125, /rx is no option of a volume/],
      [['-w', 'relative', reference, 'true'], 125, /absolute path/],
      [['-w', '/proc/self/fd/9', reference, 'true'], 125, /^berth: working directory \/proc\/self\/fd\/9: /],
      [['--name', '../x', reference, 'true'], 125, /^berth: --name \.\.\/x: a name has/],
      [['--hostname', '-x', reference, 'true'], 125, /host ?name/],
      [['--memory', '1', reference, 'true'], 125, /at least 4096 bytes/],
      [['--memory', 'much', reference, 'true'], 125, /size/],
      [['--cpus', '0', reference, 'true'], 125, /number of CPUs/],
      [['--pids-limit', 'x', reference, 'true'], 125, /number of processes/],
      [['--cap-add', 'FLY', reference, 'true'], 125, /^berth: --cap-add FLY: no such capability\n/],
      [['--network', 'moon', reference, 'true'], 125, /network moon: no network has that name/],
      [['-e', '=x', reference, 'true'], 125, /NAME=VALUE/],
      [['oci:/nowhere:latest', 'true'], 125, /^berth: image oci:\/nowhere:latest: /],
      [[], 125, /missing required argument 'image'/],
    ];
    for (const [args, status, message] of cases) {
      const before = takeInventory(stage.mustBeEmpty());
      const ran = stage.berth('run', '--rm', ...args);
      t.match(ran, { status, stdout: '', stderr: message }, args.join(' '));
      t.ok(ran.stderr.split('\n').length <= 3, `at most two lines: ${ran.stderr}`);
      t.strictSame(await leaksSince(before, stage.mustBeEmpty(), stage.mine), [], args.join(' '));
    }
  });

  t.test('verbs on what is not there', async (t) => {
    for (const verb of ['wait', 'stop', 'kill', 'rm', 'logs']) {
      t.match(
        stage.berth(verb, 'nobody'),
        {
          status: 125,
          stdout: '',
          stderr: 'berth: container nobody: no container has that name or id\nSee berth ps -a.\n',
        },
        verb,
      );
    }
    t.match(stage.berth('inspect', 'nobody'), {
      status: 125,
      stdout: '',
      stderr: /^berth: nobody: no container, image, volume or network has that name or id\nSee [^\n]*\n$/,
    });
  });

  t.test('without root it says so in one line', async (t) => {
    // A copy that another user may read, as an installed one is; this checkout may lie where only root looks.
    const readable = path.join(stage.folder, 'installed');
    for (const part of ['bin', 'dist/bundle', 'build/Release']) {
      mkdirSync(path.dirname(path.join(readable, part)), { recursive: true });
      spawnSync('cp', ['-rL', path.join(project, part), path.join(readable, part)]);
    }
    chmodSync(stage.folder, 0o755);
    t.teardown(() => chmodSync(stage.folder, 0o700));
    const as = (root: string, verb: string, ...args: string[]) =>
      spawnSync(
        'setpriv',
        [
          '--reuid=65534',
          '--regid=65534',
          '--clear-groups',
          ...berthCommand.slice(0, -1),
          path.join(readable, 'bin/berth'),
          verb,
          '--root',
          root,
          '--state',
          `${root}-state`,
          ...args,
        ],
        { encoding: 'utf8' },
      );
    for (const root of [stage.roots.root, '/var/lib/berth-test-none']) {
      const { status, stdout, stderr } = as(root, 'run', reference, 'true');
      t.equal(status, 125);
      t.equal(stdout, '');
      t.match(stderr, /^berth: [^\n]*(root|permitted|permission)[^\n]*\n([^\n]*root[^\n]*\n)?$/i);
    }
    const version = as('/var/lib/berth-test-none', 'version');
    t.equal(version.status, 0, version.stderr);
  });

  const verbs = [
    ...[
      'ps',
      'stats --no-stream',
      'top --batch 1',
      'gc',
      'df',
      'prune -f',
      'info',
      'doctor',
      'events --until 1s',
    ],
    ...[
      'start x',
      'stop x',
      'rm -f x',
      'logs x',
      'inspect x',
      'wait x',
      'exec x true',
      'cp x:/a b',
      'pod ls',
    ],
    ...['image ls', 'image rm x', 'image gc', 'image prune -f', 'image layers', 'image load', 'image pull x'],
    ...['volume ls', 'volume create a', 'volume prune', 'network ls', 'network create a', 'network prune'],
    ...['run dir:/tmp true', 'create dir:/tmp', 'trust ls', 'agent', 'master', 'up'],
  ];
  const words = (verb: string, root: string, state: string) => {
    const [first = '', second = '', ...rest] = verb.split(' ');
    const group = ['image', 'volume', 'network', 'pod', 'trust'].includes(first);
    const roots = ['--root', root, '--state', state];
    return group
      ? [first, second, ...roots, ...rest]
      : [first, ...roots, ...(second ? [second] : []), ...rest];
  };

  t.test('a root where the kernel lets nobody make a folder', async (t) => {
    const other = path.join(stage.folder, 'other');
    const [command = '', ...before] = berthCommand;
    const run = (args: string[]) =>
      spawnSync(command, [...before, ...args], { encoding: 'utf8', timeout: 20_000, killSignal: 'SIGKILL' });
    for (const verb of verbs) {
      for (const [member, root, state] of [
        ['root', '/proc/none/such', other],
        ['state', other, '/proc/none/such'],
      ] as const)
        t.match(run(words(verb, root, state)), {
          status: 125,
          stdout: '',
          stderr: `berth: --${member} /proc/none/such: nothing can be made in /proc\nState is kept in a folder: choose another with --${member} or BERTH_${member.toUpperCase()}.\n`,
        });
    }
    t.notOk(existsSync(other));
  });

  t.test('a root that is no folder', async (t) => {
    const other = path.join(stage.folder, 'other');
    for (const verb of verbs) {
      t.match(berth(words(verb, file, other)), {
        status: 125,
        stdout: '',
        stderr: `berth: --root ${file}: it is no folder\nState is kept in a folder: choose another with --root or BERTH_ROOT.\n`,
      });
      t.match(berth(words(verb, other, path.join(file, 'below'))).stderr, `${file} is no folder\n`, verb);
    }
    t.notOk(existsSync(other), 'nothing is made in the other one');
    t.equal(berth(['version', '--root', file]).status, 0);
    mkdirSync(other);
    writeFileSync(path.join(other, 'volumes'), '');
    t.match(berth(words('volume ls', other, other)), {
      status: 125,
      stderr: `berth: volume ls: ${other}/volumes is no folder\nMove it away.\n`,
    });
  });

  t.test('a root on a disk that is full', async (t) => {
    const full = path.join(stage.folder, 'full');
    mkdirSync(full);
    const script = 'mount -t tmpfs -o size=64k none "$0" && ! cp /dev/zero "$0/all" 2>/dev/null && exec "$@"';
    const { status, stderr } = spawnSync(
      'unshare',
      ['--mount', 'sh', '-c', script, full, ...berthCommand, ...words('volume create a', full, full)],
      { encoding: 'utf8' },
    );
    t.equal(status, 125);
    t.match(stderr, /^berth: volume create: no space is left on the disk[^\n]*\nFree space where --root and/);
  });

  t.test('a root that cannot be written to', async (t) => {
    const fixed = path.join(stage.folder, 'fixed');
    mkdirSync(fixed);
    const script = 'mount -t tmpfs -o ro none "$0" && exec "$@"';
    const within = (args: string[]) =>
      spawnSync('unshare', ['--mount', 'sh', '-c', script, fixed, ...berthCommand, ...args], {
        encoding: 'utf8',
      });
    const writing = [
      'ps',
      'gc',
      'volume create a',
      'image layers folder',
      'run dir:/tmp true',
      'agent',
      'master',
    ];
    for (const verb of writing)
      t.match(within(words(verb, fixed, path.join(stage.folder, 'other'))), {
        status: 125,
        stderr: new RegExp(`^berth: [a-z ]+: ${fixed} is on a read-only file system\nMount it for writing, `),
      });
    t.match(
      within(words('run dir:/tmp true', path.join(stage.folder, 'durable'), fixed)).stderr,
      /is on a read-only/,
    );
  });

  t.test('damaged records are explained, and do not hide the others', async (t) => {
    const good = await stage.start(['sh', '-c', 'exit 2'], { remove: false, name: 'good' });
    await good.ended;
    const bad = await stage.start(['sh', '-c', 'exit 3'], { remove: false, name: 'bad' });
    await bad.ended;
    const folder = places.run(stage.roots, bad.id);
    for (const [name, verb, content] of [
      ['state.json', 'inspect', '{"format":1,'],
      ['exit.json', 'wait', '{"format":9}'],
      ['exit.json', 'inspect', ''],
      ['container.json', 'inspect', 'null'],
      ['container.json', 'inspect', '[]'],
    ] as const) {
      const place = path.join(folder, name);
      copyFileSync(place, `${place}.kept`);
      writeFileSync(place, content);
      const told = stage.berth(verb, 'bad');
      t.equal(told.status, 125, `${name}: ${content}`);
      t.match(
        told.stderr,
        new RegExp(`^berth: ${place}: (it is not valid JSON|its format is .*)\n`),
        told.stderr,
      );
      copyFileSync(`${place}.kept`, place);
    }
    t.match(stage.berth('wait', 'bad'), { status: 0, stdout: '3\n' }, 'mended, it is as before');
    truncateSync(path.join(folder, 'container.json'), 20);
    t.match(stage.berth('wait', 'good'), { status: 0, stdout: '2\n' });
    t.match(stage.berth('ps', '-a', '-q'), {
      status: 0,
      stdout: `${good.id}\n`,
      stderr: /container\.json: it is not valid JSON\nberth rm -f/,
    });
    t.match(stage.berth('rm', 'bad'), { status: 125, stderr: /container\.json: it is not valid JSON/ });
    t.match(stage.berth('rm', '-f', 'bad', 'good'), { status: 0, stdout: 'bad\ngood\n' });
    t.strictSame(readdirSync(places.names(stage.roots)), []);

    const alive = await stage.start(['sleep', '60'], { name: 'alive' });
    writeFileSync(path.join(places.run(stage.roots, alive.id), 'state.json'), '{');
    t.match(stage.berth('rm', '-f', 'alive'), { status: 0, stdout: 'alive\n' });
    t.match(await alive.ended, { status: 137 });
    t.strictSame(readdirSync(places.running(stage.roots)), []);
    t.ok(readFileSync(file).length === 0);
  });
});
