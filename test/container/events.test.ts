import { type ChildProcess, spawnSync } from 'node:child_process';
import { appendFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { findContainer, readContainer } from '../../src/containerizer/container/catalogue.js';
import { removeContainer } from '../../src/containerizer/container/remove.js';
import { settle } from '../../src/containerizer/container/settle.js';
import type { BerthEvent } from '../../src/containerizer/events/event.js';
import { Journal } from '../../src/containerizer/events/journal.js';
import { tellNamed } from '../../src/containerizer/events/tell.js';
import { native } from '../../src/native/index.js';
import { places } from '../../src/state/roots.js';
import { Stage, unlessRoot } from './stage.js';

/** However slow the machine. */
async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 300 && !holds(); i++) await sleep(100);
}

const recent = '2000-01-01T00:00:00Z';

t.test('events', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const { roots } = stage;
  const image = stage.image.reference;
  const told = (...filters: string[]): BerthEvent[] => {
    const flags = filters.flatMap((filter) => ['--filter', filter]);
    const { status, stdout, stderr } = stage.berth(
      'events',
      ...['--json', '--since', recent, '--until', '0s'],
      ...flags,
    );
    t.equal(status, 0, stderr);
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as BerthEvent);
  };
  const actions = (id: string) => told(`container=${id}`).map(({ action }) => action);
  const berth = (verb: string, ...args: string[]) => {
    const { status, stdout, stderr } = stage.berth(verb, ...args);
    t.equal(status, 0, stderr);
    return stdout.trim();
  };

  t.test('the life of a container, as verbs and its supervisor tell it', async (t) => {
    berth('run', '-d', '--name', 'life', image, 'sleep', '1000');
    berth('exec', 'life', 'sh', '-c', 'exit 0');
    berth('pause', 'life');
    berth('unpause', 'life');
    berth('update', '--pids-limit', '100', 'life');
    berth('kill', '-s', 'USR1', 'life');
    berth('stop', '-t', '0', 'life');
    berth('start', 'life');
    berth('rm', '-f', 'life');
    const events = told('container=life');
    t.strictSame(
      events.map(({ action }) => action),
      [
        ...['create', 'start', 'exec_start', 'exec_die', 'pause', 'unpause', 'update', 'kill'],
        ...['kill', 'die', 'stop', 'start', 'kill', 'die', 'stop', 'destroy'],
      ],
    );
    const [create, start, execStart, execDie] = events;
    t.match(create, { type: 'container', name: 'life', image, attributes: {} });
    t.match(create?.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
    t.match(start, { attributes: { pid: Number } });
    t.match(execStart, { attributes: { command: 'sh', pid: Number } });
    t.match(execDie, { attributes: { command: 'sh', pid: execStart?.attributes.pid, exit_code: 0 } });
    t.match(events.find(({ action }) => action === 'die')?.attributes, { exit_code: 137, signal: 9 });
    t.strictSame(
      events.map(({ time }) => time),
      events.map(({ time }) => time).sort(),
    );
  });

  t.test('one that goes at its end; a volume of its own; want of memory', async (t) => {
    const { exit } = await stage.run(['sh', '-c', 'dd if=/dev/zero of=/dev/null bs=64M; exit 3'], {
      memory: 16 << 20,
      name: 'short',
    });
    t.match(exit, { status: 3, oom_killed: true });
    const events = told('container=short');
    t.strictSame(
      events.map(({ action }) => action),
      ['create', 'start', 'oom', 'die', 'destroy'],
    );
    t.match(events[2]?.attributes, { kills: 1, process: 'dd', level: 'container', limit: 16 << 20 });
    t.match(events[3]?.attributes, { exit_code: 3, signal: null, oom_killed: true });
    berth('run', '--rm', '-v', '/data', image, 'true');
    t.strictSame(
      told('type=volume').map(({ action }) => action),
      ['create', 'destroy'],
    );
  });

  t.test('want of memory is told while the container runs, and each kill once', async (t) => {
    // Goes on when what it started was killed, and starts the next when it is told to.
    const hog = 'read line </tmp/go; dd if=/dev/zero of=/dev/null bs=64M';
    const script = `mkdir -p /tmp; mkfifo /tmp/go; ${hog}; ${hog}; exec sleep 1000`;
    const container = await stage.start(['sh', '-c', script], {
      memory: 16 << 20,
      name: 'long',
      remove: false,
    });
    const killed = () => told('container=long', 'event=oom');
    for (const count of [1, 2]) {
      const go = 'until [ -p /tmp/go ]; do sleep 0.05; done; echo >/tmp/go';
      berth('exec', 'long', 'sh', '-c', go);
      await until(() => killed().length === count);
      const attributes = { kills: 1, process: 'dd', level: 'container', limit: 16 << 20 };
      t.match(killed()[count - 1]?.attributes, attributes);
      t.equal(findContainer(roots, 'long').state, 'running');
    }
    container.signal(9);
    t.match(await container.ended, { status: 137, oom: { kills: 2, process: 'dd' } });
    t.equal(killed().length, 2, 'not again at its end');
    berth('rm', 'long');
  });

  t.test('what cannot be launched has no life to tell of', async (t) => {
    await t.rejects(stage.start(['/nosuch'], { name: 'none' }));
    t.strictSame(actions('none'), []);
  });

  t.test('images, volumes, networks', async (t) => {
    berth('image load', image, 'one:1');
    berth('image tag', 'one:1', 'two:2');
    berth('image rm', 'two:2');
    berth('volume create', 'v');
    berth('volume rm', 'v');
    t.strictSame(
      told('type=image', 'image=one', 'image=two').map(({ action, name }) => `${action} ${name}`),
      ['load one:1', 'tag two:2', 'untag two:2'],
    );
    t.strictSame(
      told('volume=v').map(({ action, id }) => `${action} ${id}`),
      ['create v', 'destroy v'],
    );
    t.strictSame(told('type=network'), []);
    const text = stage.berth('events', '--since', recent, '--until', '0s', '--filter', 'volume=v').stdout;
    t.match(text, /^\S+Z volume create v\n\S+Z volume destroy v\n$/);
    t.match(stage.berth('events', '--filter', 'colour=red'), { status: 125, stderr: /KEY=VALUE/ });
  });

  t.test('an end is told once, whoever died while telling it', async (t) => {
    const ended = async (id: string) => {
      const found = readContainer(roots, id);
      return found === undefined ? 'gone' : settle(roots, found).state;
    };
    const start = async () => (await stage.start(['sleep', '1000'], { remove: false })).id;
    const killSupervisor = async (id: string) => {
      const { supervisor } = findContainer(roots, id).process ?? {};
      native().signalProcess(supervisor?.pid ?? 0, supervisor?.start_time ?? 0, 9);
      await native().awaitEnd(supervisor?.pid ?? 0, supervisor?.start_time ?? 0, 30_000);
    };
    const remove = (id: string) => removeContainer(roots, findContainer(roots, id), { force: false });

    const untold = await start();
    await killSupervisor(untold);
    const lookers = Array.from({ length: 4 }, () => stage.spawn('ps', '-a', '-q'));
    await Promise.all(lookers.map((looker) => new Promise((resolve) => looker.once('exit', resolve))));
    t.strictSame(actions(untold), ['create', 'start', 'die']);
    t.match(told(`container=${untold}`, 'event=die')[0]?.attributes, {
      exit_code: 137,
      reason: 'supervisor lost',
    });
    await remove(untold);
    t.strictSame(actions(untold), ['create', 'start', 'die', 'destroy']);

    // Its last act was to tell: the record of the end is missing.
    const unrecorded = await start();
    const container = findContainer(roots, unrecorded);
    native().signalProcess(container.process?.task.pid ?? 0, container.process?.task.start_time ?? 0, 9);
    await native().awaitEnd(
      container.process?.supervisor.pid ?? 0,
      container.process?.supervisor.start_time ?? 0,
      30_000,
    );
    rmSync(path.join(places.run(roots, unrecorded), 'exit.json'));
    t.equal(findContainer(roots, unrecorded).state, 'lost');
    t.equal(await ended(unrecorded), 'exited');
    t.strictSame(actions(unrecorded), ['create', 'start', 'die']);
    // Its remover was killed when only the volatile state was left, before or after it told.
    rmSync(places.container(roots, unrecorded), { recursive: true });
    await remove(unrecorded);
    t.strictSame(actions(unrecorded), ['create', 'start', 'die', 'destroy']);

    // It was killed before it could tell even that it ran.
    const silent = await start();
    const file = path.join(places.events(roots), '1.jsonl');
    const lines = readFileSync(file, 'utf8').split('\n');
    writeFileSync(file, lines.filter((line) => !line.includes(silent)).join('\n'));
    await killSupervisor(silent);
    t.equal(await ended(silent), 'exited');
    t.strictSame(actions(silent), ['start', 'die']);
    await remove(silent);
  });

  t.test('followers are told at once, of supervisors that were killed too', async (t) => {
    const { id } = await stage.start(['sleep', '1000'], { remove: false });
    const follower = stage.spawn('events', '--json', '--filter', 'type=container', '--since', recent);
    t.teardown(() => follower.kill());
    const lines = eventsOf(follower);
    const next = async (): Promise<string> => {
      for (;;) {
        const { value } = await lines.next();
        if (value === undefined) return 'nothing more';
        const { id: whose, action } = JSON.parse(value) as BerthEvent;
        if (whose === id || whose === later) return action;
      }
    };
    let later = '';
    t.strictSame([await next(), await next()], ['create', 'start'], 'what was told before');
    const kill = (pid: number) => process.kill(pid, 'SIGKILL');
    kill(findContainer(roots, id).process?.supervisor.pid ?? 0);
    t.equal(await next(), 'die', 'of one that ran before');
    await removeContainer(roots, findContainer(roots, id), { force: false });
    t.equal(await next(), 'destroy');
    const second = await stage.start(['sleep', '1000'], { remove: true });
    later = second.id;
    // What is told while nobody looks is told all the same.
    t.strictSame([await next(), await next()], ['create', 'start']);
    kill(findContainer(roots, later).process?.supervisor.pid ?? 0);
    t.strictSame([await next(), await next()], ['die', 'destroy'], 'of one that was started since');
  });

  t.test('files follow each other, and old ones go; torn lines hide no others', (t) => {
    const own = { ...roots, root: path.join(stage.folder, 'journal') };
    spawnSync('mkdir', [own.root]);
    const reader = new Journal(own);
    const long = 'x'.repeat(60_000);
    const all = 100;
    let read = 0;
    for (let number = 0; number < all; number++) {
      tellNamed(own, 'volume', String(number), 'create', { long });
      for (const { id } of reader.events()) t.equal(Number(id), read++, 'a follower misses none');
    }
    t.equal(read, all);
    reader.close();
    const files = readdirSync(places.events(own)).map((name) => Number.parseInt(name, 10));
    t.equal(files.length, 4);
    const last = path.join(places.events(own), `${Math.max(...files)}.jsonl`);
    appendFileSync(last, '{"time":"2026-01-01T00:00:00.000000000Z","type":"vol');
    tellNamed(own, 'volume', '{"time":"', 'create');
    const again = new Journal(own);
    const left = [...again.events()];
    again.close();
    t.equal(left.at(-1)?.id, '{"time":"');
    t.equal(left.at(-2)?.id, String(all - 1));
    t.ok(left.length < all, 'the oldest are gone');
    t.end();
  });
});

async function* eventsOf(child: ChildProcess): AsyncGenerator<string> {
  if (child.stdout !== null) yield* createInterface({ input: child.stdout });
}
