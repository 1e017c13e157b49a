import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { findContainer, listContainers } from '../../src/containerizer/container/catalogue.js';
import { cgroupDirectories, cgroupPlaces } from '../../src/containerizer/container/cgroup-places.js';
import { Person } from '../fixtures/person.js';
import { Stage, unlessRoot } from './stage.js';

const children = (pid: number): string[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);

t.test('terminals', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const reference = stage.image.reference;
  const person = (verb: string, ...args: string[]) => new Person(stage.command(verb, args));
  const prompt = "PS1='$((1+1))>'\n";

  t.test('run -it: size, resize, Ctrl-C, status', async (t) => {
    const somebody = person('run', '--rm', '-it', reference, 'sh', '-i');
    await somebody.see('# ');
    somebody.type(prompt);
    await somebody.see('2>');
    somebody.type('stty size; tty; echo $TERM; stat -c %t:%T /dev/console\n');
    await somebody.see('33 101\r\n/dev/pts/0\r\nxterm\r\n88:0');
    await somebody.see('2>');
    // It says so itself: by then it is the terminal's foreground, which the shell that starts it need not have made it yet.
    somebody.type(`sh -c 'echo sl""eeps; exec sleep 1000'\n`);
    await somebody.see('sleeps');
    somebody.type('\u0003');
    await somebody.see('2>');
    somebody.resize();
    somebody.type('while [ "$(stty size)" != "44 122" ]; do sleep 0.05; done; echo re""sized\n');
    await somebody.see('resized');
    somebody.type('exit 9\n');
    t.equal(await somebody.status, 9, 'and the terminal is as it was');
  });

  t.test('detach, attach again, several at once; the log', async (t) => {
    const first = person('run', '-it', '--name', 'shell', reference, 'sh', '-i');
    await first.see('# ');
    first.type('echo o""ne\n');
    await first.see('one');
    first.type('\u0010\u0011');
    t.equal(await first.status, 0, 'left by the keys');
    t.equal(findContainer(stage.roots, 'shell').state, 'running');

    const second = person('attach', 'shell');
    const third = person('attach', '--detach-keys', 'x,y', 'shell');
    second.type('\n');
    await second.see('# ');
    third.type('\n');
    await third.see('# ');
    second.type('echo sh""own\n');
    await second.see('shown');
    await third.see('shown');
    third.type('xy');
    t.equal(await third.status, 0);
    second.type('exit 5\n');
    t.equal(await second.status, 5, "attach ends with the container's status");
    const logged = stage.berth('logs', 'shell');
    t.match(logged.stdout, /one[\s\S]*shown/);
    t.equal(logged.stderr, '', 'a terminal has one stream');
    t.equal(stage.berth('rm', 'shell').status, 0);
  });

  t.test('exec -it: job control; a client that is ended restores the terminal', async (t) => {
    t.equal(stage.berth('run', '-d', '--name', 'c', reference, 'sleep', '1000').status, 0);
    const shell = person('exec', '-it', 'c', 'sh', '-i');
    await shell.see('# ');
    shell.type('sleep 1000\n');
    await shell.see('sleep 1000');
    const { task } = findContainer(stage.roots, 'c').process ?? { task: { pid: 0 } };
    t.ok(task.pid > 0 && children(task.pid).length === 0);
    for (let tries = 0; tries < 3000; tries++) {
      // Stopped only once it runs in the foreground.
      if (/sleep 1000\n.*sleep 1000/s.test(stage.berth('exec', 'c', 'ps', '-o', 'args').stdout)) break;
      await sleep(20);
    }
    shell.type('\u001a');
    await shell.see('Stopped');
    shell.type('kill -9 %1; exec sh -c "exit 4"\n');
    t.equal(await shell.status, 4);

    const other = person('exec', '-it', '--sig-proxy=false', 'c', 'sh', '-c', 'echo up; exec sleep 1000');
    await other.see('up');
    other.terminate();
    t.equal(await other.status, 143, 'and not 99: the terminal is as it was');
    t.match(
      stage.berth('exec', 'c', 'ps', '-o', 'args').stdout,
      /sleep 1000\n.*sleep 1000/s,
      'the command goes on',
    );
    t.equal(stage.berth('rm', '-f', 'c').status, 0);
  });

  t.test(
    'a terminal that hangs up ends the command alone; a program that nobody can attach to too',
    async (t) => {
      // The second is launched without Node.
      for (const name of ['hung', undefined, undefined]) {
        const somebody = person(
          'run',
          '-it',
          ...(name === undefined ? [] : ['--name', name]),
          reference,
          'sh',
          '-i',
        );
        await somebody.see('# ');
        somebody.hangUp();
        t.equal(await somebody.status, 129, 'Node would abort: it cannot put the terminal back');
        const [left] = listContainers(stage.roots);
        const id = left?.document.id ?? '';
        t.equal(left?.state, 'running');
        const sent = person('exec', '-it', id, 'sh', '-c', 'echo in""side; cat; echo $? > /ended');
        await sent.see('inside');
        sent.hangUp();
        t.equal(await sent.status, 129);
        const again = person('attach', id);
        again.type('echo ba""ck\n');
        await again.see('back');
        again.type('while ps | grep -q "[e]cho in"; do sleep 0.05; done; exit 3\n');
        t.equal(await again.status, 3);
        t.equal(stage.berth('rm', id).status, 0);
      }
    },
  );

  t.test('-i without -t: input is a pipe, its end is passed on', async (t) => {
    const [file = '', ...words] = stage.command('run', ['--rm', '-i', reference, 'sh', '-c', 'wc -c; tty']);
    const { stdout, status } = spawnSync(file, words, { input: Buffer.alloc(300_000), encoding: 'utf8' });
    t.match({ stdout, status }, { stdout: '300000\nnot a tty\n', status: 1 });
  });

  t.test(
    'the end of the last container, heard of by attach, leaves nothing that containers share',
    async (t) => {
      const { status } = stage.berth(
        'run',
        '-d',
        '--rm',
        '-i',
        '--name',
        'last',
        reference,
        'sh',
        '-c',
        'read a; echo $a',
      );
      t.equal(status, 0);
      const shared = cgroupDirectories(cgroupPlaces(stage.roots, 'any'))
        .map((place) => path.dirname(place))
        .filter((place) => existsSync(place));
      t.not(shared.length, 0);
      t.strictSame(listContainers(stage.roots).length, 1);
      const [file = '', ...words] = stage.command('attach', ['last']);
      t.match(spawnSync(file, words, { input: 'word\n', encoding: 'utf8' }), { stdout: 'word\n', status: 0 });
      t.strictSame(
        shared.filter((place) => existsSync(place)),
        [],
      );
    },
  );

  t.test('attach without a terminal; what the terminal is made from is a devpts or nothing', async (t) => {
    t.equal(
      stage.berth('run', '-d', '-i', '--name', 'cat', reference, 'sh', '-c', 'read a; echo got $a; exit 6')
        .status,
      0,
    );
    const [file = '', ...words] = stage.command('attach', ['cat']);
    t.match(spawnSync(file, words, { input: 'word\n', encoding: 'utf8' }), {
      stdout: 'got word\n',
      status: 6,
    });
    t.match(stage.berth('attach', 'cat'), { status: 125, stderr: /not running/ });
    t.equal(stage.berth('rm', 'cat').status, 0);

    const hostile = await stage.makeImage([
      { name: 'dev/', type: 'directory' },
      { name: 'dev/console', type: 'symlink', link: '/canary' },
    ]);
    const somebody = person(
      'run',
      '--rm',
      '-t',
      hostile.reference,
      'sh',
      '-c',
      'ls -l /dev/console; ls /canary',
    );
    const seen = await somebody.see('canary');
    t.match(seen, /crw.*136,\s+0.*\/dev\/console/s);
    t.not(await somebody.status, 99);
  });
});
