import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import {
  type Container,
  findContainer,
  listContainers,
  readContainer,
} from '../../src/containerizer/container/catalogue.js';
import { awaitExit } from '../../src/containerizer/container/control.js';
import { readLogs } from '../../src/containerizer/container/logs.js';
import { removeContainer } from '../../src/containerizer/container/remove.js';
import { sweepShared } from '../../src/containerizer/container/shared-sweep.js';
import { waitForExit } from '../../src/containerizer/container/wait.js';
import { places } from '../../src/state/roots.js';
import { Stage, unlessRoot } from '../container/stage.js';
import { until } from '../fixtures/until.js';
import { leaksSince } from '../leaks/audit.js';
import { takeInventory } from '../leaks/inventory.js';

/** Who dies when, and what is left: launcher, supervisor, payload, and the verbs that end a container. */
t.test('life and death', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const reference = stage.image.reference;
  const logged = (id: string) => [...readLogs(stage.roots, id)].map(({ text }) => text.toString());
  const known = (name: string): Container | undefined =>
    listContainers(stage.roots).find(({ document }) => document.name === name);
  const remove = (id: string) =>
    removeContainer(stage.roots, findContainer(stage.roots, id), { force: false });
  /** Waits for a container of that name to run, and gives its processes. */
  const running = async (name: string) => {
    for (;;) {
      const process = known(name)?.process;
      if (process !== undefined) return process;
      await sleep(10);
    }
  };

  t.test('a container survives its launcher, foreground and detached', async (t) => {
    const script = 'for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.1; done; exit 9';
    const child = stage.spawn('run', '--name', 'fore', reference, 'sh', '-c', script);
    // It may be over before anybody looks.
    await until(() => known('fore')?.process !== undefined || known('fore')?.exit !== undefined);
    child.kill('SIGKILL');
    const detached = stage.berth('run', '-d', '--name', 'back', reference, 'sh', '-c', script);
    t.match(detached, { status: 0, stdout: /^[0-9a-f]{12}\n$/, stderr: '' });
    t.match(stage.berth('wait', 'fore', 'back'), { status: 0, stdout: '9\n9\n' });
    for (const name of ['fore', 'back']) {
      const { document, exit } = findContainer(stage.roots, name);
      t.strictSame(
        logged(document.id),
        ['1', '2', '3', '4', '5', '6', '7', '8'],
        `${name}: its output kept flowing`,
      );
      t.match(exit, { status: 9, signal: null, log_bytes_dropped: 0 });
    }
    t.equal(stage.berth('wait', 'fore').stdout, '9\n', 'its end is kept');
    t.match(stage.berth('rm', 'fore', 'back'), { status: 0, stdout: 'fore\nback\n' });
  });

  t.test('supervisors of different launchers share their program', async (t) => {
    const programs: { inode: number; shared: boolean }[] = [];
    for (const name of ['first', 'second', 'third']) {
      t.equal(stage.berth('run', '-d', '--name', name, reference, 'sleep', '1000').status, 0);
      const { pid } = (await running(name)).supervisor;
      programs.push({
        inode: statSync(`/proc/${pid}/exe`).ino,
        shared: /memfd:berth-init/.test(readlinkSync(`/proc/${pid}/exe`)),
      });
    }
    t.equal(new Set(programs.map(({ inode }) => inode)).size, 1, 'one file in memory');
    t.ok(
      programs.every(({ shared }) => shared),
      'and none on a disk',
    );
    t.equal(stage.berth('rm', '-f', 'first', 'second', 'third').status, 0);
  });

  t.test('a launcher that is killed takes the client end with it, whatever is owed', async (t) => {
    const child = stage.spawn(
      'run',
      '--name',
      'owing',
      reference,
      'sh',
      '-c',
      'head -c 300000 /dev/zero; echo; echo end',
    );
    await running('owing');
    child.kill('SIGKILL');
    t.equal((await waitForExit(stage.roots, findContainer(stage.roots, 'owing'))).status, 0);
    t.equal(logged(findContainer(stage.roots, 'owing').document.id).at(-1), 'end');
    await remove('owing');
  });

  t.test('a supervisor that is killed takes its task along, and that is told', async (t) => {
    const { id } = await stage.start(['sh', '-c', 'echo up; sleep 60'], { remove: false, name: 'lost' });
    const { supervisor, task } = await running('lost');
    const waiting = stage.spawn('wait', 'lost');
    await sleep(200);
    process.kill(supervisor.pid, 'SIGKILL');
    t.equal(await textOf(waiting), '137\n', 'who waits is told');
    t.ok(await goneSoon(task.pid));
    const { rows } = JSON.parse(stage.berth('ps', '-a', '--json', '--interval', '0.01').stdout) as {
      rows: { name: string; state: string }[];
    };
    t.match(rows, [{ name: 'lost', state: 'exited' }]);
    const inspected = JSON.parse(stage.berth('inspect', '--json', 'lost').stdout) as unknown;
    t.match(inspected, {
      id,
      state: 'exited',
      exit_code: 137,
      signal: 9,
      reason: 'supervisor lost',
      pid: null,
    });
    t.strictSame(logged(id), ['up']);
    t.equal(stage.berth('rm', 'lost').status, 0);
  });

  t.test('the task dies with its supervisor, also when nobody looks', async (t) => {
    // A change of user takes back what prctl(2) asks for with PR_SET_PDEATHSIG; the pid namespace cannot be shaken off.
    for (const command of [
      ['sleep', '60'],
      ['su', '-s', '/bin/sh', 'www-data', '-c', 'exec sleep 60'],
    ]) {
      const id = stage.berth('run', '-d', reference, ...command).stdout.trim();
      const { supervisor, task } = await running(id);
      await sleep(100);
      process.kill(supervisor.pid, 'SIGKILL');
      t.ok(await goneSoon(task.pid), command.join(' '));
      t.equal(stage.berth('rm', id).status, 0);
    }
  });

  t.test('one with --rm whose supervisor is killed leaves nothing once somebody looked', async (t) => {
    const before = takeInventory(stage.mustBeEmpty());
    const container = await stage.start(['sleep', '60'], { name: 'gone' });
    const { supervisor } = await running('gone');
    process.kill(supervisor.pid, 'SIGKILL');
    t.match(await container.ended, { status: 137, reason: 'supervisor lost' });
    t.equal(stage.berth('ps', '-a', '-q').stdout, '');
    t.strictSame(await leaksSince(before, stage.mustBeEmpty(), stage.mine), []);
  });

  t.test('a task that gave up its parent-death signal is ended by whoever looks', async (t) => {
    // Changing credentials clears it (prctl(2)), as every program does that starts as root and drops to another user.
    const { id } = await stage.start(['sh', '-c', 'exec su -s /bin/sh www-data -c "exec sleep 60"'], {
      remove: false,
    });
    const { supervisor, task } = await running(id);
    for (let tries = 0; tries < 200 && !/^Uid:\t(?!0|\d*0000\t)/m.test(statusOf(task.pid)); tries++)
      await sleep(10);
    process.kill(supervisor.pid, 'SIGKILL');
    for (let tries = 0; tries < 100 && alive(supervisor.pid); tries++) await sleep(10);
    t.comment(`before anybody looked the task was ${alive(task.pid) ? 'alive' : 'gone'}`);
    t.match(stage.berth('wait', id), { status: 0, stdout: '137\n' });
    t.ok(await goneSoon(task.pid));
    await remove(id);
  });

  t.test('the payload killed from outside is 137', async (t) => {
    const container = await stage.start(['sleep', '60'], { remove: false });
    process.kill(container.pid, 'SIGKILL');
    t.match(await container.ended, { status: 137, signal: 9, oom_killed: false });
    t.equal(readContainer(stage.roots, container.id)?.state, 'exited');
    await remove(container.id);
  });

  t.test('of two with one name one wins, and names are freed', async (t) => {
    const race = async () => {
      const children = Array.from({ length: 4 }, () =>
        stage.spawn('run', '-d', '--name', 'single', reference, 'sleep', '60'),
      );
      const texts = await Promise.all(children.map(errorsOf));
      t.equal(texts.filter((text) => text === '').length, 1, texts.join(''));
      for (const text of texts.filter((each) => each !== '')) {
        t.match(
          text,
          /^berth: container name single: container [0-9a-f]{12} has it\nChoose another, or remove that one: berth rm single\.\n$/,
        );
      }
      t.equal(listContainers(stage.roots).length, 1);
      t.equal(stage.berth('rm', '-f', 'single').status, 0);
    };
    await race();
    await race();
    const before = takeInventory(stage.mustBeEmpty());
    await stage.run(['true'], { name: 'single' });
    await t.rejects(stage.run(['nonesuch'], { name: 'single' }), { code: 'COMMAND_NOT_FOUND' });
    await stage.run(['true'], { name: 'single' });
    sweepShared(stage.roots);
    t.strictSame(await leaksSince(before, stage.mustBeEmpty(), stage.mine), []);
  });

  t.test('a name whose launcher was killed before there was a container is free', async (t) => {
    symlinkSync('0123456789ab', path.join(places.names(stage.roots), 'orphan'));
    t.equal((await stage.run(['echo', 'x'], { name: 'orphan' })).stdout, 'x\n');
    t.strictSame(readdirSync(places.names(stage.roots)), []);
  });

  t.test('stop: asks, waits its grace, and kills', async (t) => {
    const trap = ['sh', '-c', 'trap "echo asked; exit 4" TERM; echo ready; while :; do sleep 0.05; done'];
    const deaf = ['sh', '-c', 'trap "echo asked" TERM; echo ready; while :; do sleep 0.05; done'];
    const ready = async (id: string) => {
      while (!logged(id).includes('ready')) await sleep(10);
    };
    const polite = await stage.start(trap, { remove: false });
    await ready(polite.id);
    t.match(stage.berth('stop', polite.id), { status: 0, stdout: `${polite.id}\n` });
    t.match(await polite.ended, { status: 4 });
    t.match(stage.berth('stop', polite.id), { status: 0 }, 'one that has ended is left as it is');

    const stubborn = await stage.start(deaf, { remove: false });
    await ready(stubborn.id);
    const started = Date.now();
    t.equal(stage.berth('stop', '-t', '0.5', stubborn.id).status, 0);
    t.ok(Date.now() - started >= 500, 'the grace was given');
    t.match(await stubborn.ended, { status: 137, signal: 9 });
    // On a busy host half a second may be over before its shell comes to hear of the signal.
    t.match(logged(stubborn.id).join(), /^ready(,asked)?$/);

    const own = await stage.start(
      ['sh', '-c', 'trap "exit 6" USR1; echo ready; while :; do sleep 0.05; done'],
      { remove: false },
      stage.configured({ StopSignal: 'SIGUSR1' }),
    );
    await ready(own.id);
    t.equal(stage.berth('stop', own.id).status, 0);
    t.match(await own.ended, { status: 6 }, "the image's own stop signal");
    t.equal(stage.berth('kill', own.id).status, 125, 'what has ended cannot be signalled');

    const other = await stage.start(
      ['sh', '-c', 'trap "echo hung up; exit 5" HUP; echo ready; while :; do sleep 0.05; done'],
      { remove: false },
    );
    await ready(other.id);
    t.match(stage.berth('stop', '-s', 'NONE', other.id), {
      status: 125,
      stderr: 'berth: signal NONE: no such signal\nGive a name or number from kill -l.\n',
    });
    t.equal(stage.berth('stop', '-s', 'HUP', '-t', '60', other.id).status, 0);
    t.match(await other.ended, { status: 5 }, 'another signal than its own');
    t.equal(stage.berth('start', other.id).status, 0);
    while (logged(other.id).length < 3) await sleep(10);
    t.equal(stage.berth('restart', '--signal', '1', '--timeout', '60', other.id).status, 0);
    t.strictSame(logged(other.id).slice(0, 4), ['ready', 'hung up', 'ready', 'hung up'], 'restart as well');
    t.equal(stage.berth('stop', '--timeout', '0', other.id).status, 0);
    for (const { id } of [polite, stubborn, own, other]) await remove(id);
  });

  t.test('kill sends what it is told to', async (t) => {
    const { id, ended } = await stage.start(
      ['sh', '-c', 'trap "echo hup" HUP; trap "exit 5" INT; echo ready; while :; do sleep 0.05; done'],
      { remove: false },
    );
    const saw = async (line: string) => {
      while (!logged(id).includes(line)) await sleep(10);
    };
    await saw('ready');
    t.equal(stage.berth('kill', '-s', 'HUP', id).status, 0);
    await saw('hup');
    t.equal(stage.berth('kill', '-s', 'SIGINT', id).status, 0);
    t.match(await ended, { status: 5 });
    t.match(stage.berth('kill', '-s', 'NOPE', id), {
      status: 125,
      stderr: /^berth: signal NOPE: no such signal\n/,
    });
    await remove(id);
  });

  t.test('signals of the foreground client reach the container', async (t) => {
    const child = stage.spawn(
      'run',
      '--rm',
      '--name',
      'front',
      reference,
      'sh',
      '-c',
      'trap "echo got; exit 8" TERM; echo ready; while :; do sleep 0.05; done',
    );
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text === 'ready\n') child.kill('SIGTERM');
    });
    t.equal(await exitOf(child), 8);
    t.equal(text, 'ready\ngot\n');
  });

  t.test('rm refuses what runs, unless forced', async (t) => {
    const { id, ended } = await stage.start(['sleep', '60'], { remove: false, name: 'busy' });
    t.match(stage.berth('rm', 'busy'), {
      status: 125,
      stderr: /^berth: container busy: it is running\nStop it first/,
    });
    t.ok(alive((await running('busy')).task.pid));
    t.equal(stage.berth('rm', '-f', 'busy').status, 0);
    t.match(await ended, { status: 137 });
    t.notOk(existsSync(places.container(stage.roots, id)));
    t.match(stage.berth('rm', 'busy'), {
      status: 125,
      stderr: /^berth: container busy: no container has that name or id\n/,
    });
  });

  t.test('a supervisor that hangs up on a question is one that has gone', async (t) => {
    // Closing a unix socket with a request unread is ECONNRESET for the one who asked.
    const folder = places.run(stage.roots, 'abcdef012345');
    mkdirSync(folder, { recursive: true });
    const server = createServer({ pauseOnConnect: true }, (socket) => setTimeout(() => socket.destroy(), 20));
    await new Promise<void>((resolve) => server.listen(path.join(folder, 'control.sock'), resolve));
    t.equal(await awaitExit(stage.roots, 'abcdef012345'), undefined);
    server.close();
    rmSync(folder, { recursive: true });
  });

  t.test('a supervisor that was killed before it took a connection is one that has gone', async (t) => {
    // The connection that waits in its queue is cut (ECONNRESET) between connect(2) and the look at its outcome.
    const folder = places.run(stage.roots, 'abcdef012346');
    mkdirSync(folder, { recursive: true });
    const listen = `import socket, sys
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); print('ready', flush=True); sys.stdin.read()`;
    const listener = spawn('python3', ['-c', listen, path.join(folder, 'control.sock')], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(listener.stdout, 'data');
    const answer = awaitExit(stage.roots, 'abcdef012346');
    execFileSync('sh', [
      '-c',
      'kill -9 "$1"; until grep -q "^State:.Z" "/proc/$1/status"; do :; done',
      'sh',
      String(listener.pid),
    ]);
    t.equal(await answer, undefined);
    rmSync(folder, { recursive: true });
  });
});

/** Dying takes a process a moment after it was killed. */
async function goneSoon(pid: number): Promise<boolean> {
  await until(() => !alive(pid), `process ${pid} is gone`);
  return true;
}

function alive(pid: number): boolean {
  return !/^State:\t[ZX]/m.test(statusOf(pid)) && statusOf(pid) !== '';
}

function statusOf(pid: number): string {
  return existsSync(`/proc/${pid}/status`) ? readFileSync(`/proc/${pid}/status`, 'utf8') : '';
}

async function textOf(child: ChildProcess): Promise<string> {
  let text = '';
  for await (const chunk of child.stdout ?? []) text += String(chunk);
  return text;
}

async function errorsOf(child: ChildProcess): Promise<string> {
  let text = '';
  for await (const chunk of child.stderr ?? []) text += String(chunk);
  return text;
}

function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve) => child.once('exit', resolve));
}
