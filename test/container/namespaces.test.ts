import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import t from 'tap';
import { containerIds } from '../../src/containerizer/host/id-range.js';
import { hostClaims, places } from '../../src/state/roots.js';
import { Stage, unlessRoot } from './stage.js';

/** Namespaces that containers share with each other and with the host, and who is still alive when one has ended. */
t.test('shared namespaces', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const { reference } = stage.image;
  const run = (...args: string[]) => stage.berth('run', '--rm', ...args);
  const lines = ({ stdout }: { stdout: string }) => stdout.trimEnd().split('\n');
  const poll = async (done: () => boolean) => {
    for (let tries = 0; tries < 1500 && !done(); tries++)
      await new Promise((resolve) => setTimeout(resolve, 20));
    return done();
  };
  /** Host pids of the processes whose last argument is that. */
  const running = (mark: string) =>
    spawnSync('pgrep', ['-f', `${mark}$`], { encoding: 'utf8' })
      .stdout.split('\n')
      .filter(Boolean);

  const peer = await stage.start(['sh', '-c', 'echo hello >/dev/shm/said; exec sleep 600'], {
    name: 'peer',
    ipc: 'shareable',
    remove: true,
  });
  const map = readFileSync(`/proc/${peer.pid}/uid_map`, 'utf8').trim();

  await t.test(
    '--pid, --ipc and --userns of another container: its processes, its memory, its ids',
    async (t) => {
      const script =
        'cat /dev/shm/said; cat /proc/self/uid_map; for n in pid ipc user uts; do readlink -f /proc/self/ns/$n; done';
      const names = (kinds: string[]) =>
        kinds.map((kind) => `/proc/self/ns/${readlinkSync(`/proc/${peer.pid}/ns/${kind}`)}`);
      const seen = lines(
        run(
          '--pid',
          'container:peer',
          '--ipc',
          'container:peer',
          reference,
          'sh',
          '-c',
          `ps | grep -c "[s]leep 600"; ${script}`,
        ),
      );
      t.strictSame(seen.slice(0, 2), ['1', 'hello']);
      t.equal(seen[2]?.trim().replace(/\s+/g, ' '), map.replace(/\s+/g, ' '));
      t.match(
        seen.slice(3).map((each) => path.basename(each)),
        names(['pid', 'ipc', 'user']).map((each) => path.basename(each)),
      );
      t.not(path.basename(seen[6] ?? ''), readlinkSync(`/proc/${peer.pid}/ns/uts`));

      const alone = lines(
        run(
          '--ipc',
          `container:${peer.id}`,
          reference,
          'sh',
          '-c',
          'cat /dev/shm/said; echo $$; cat /proc/self/uid_map',
        ),
      );
      t.strictSame(
        alone.slice(0, 2),
        ['hello', '1'],
        'with a pid namespace of its own, in the same user namespace',
      );
      t.equal(alone[2]?.trim().replace(/\s+/g, ' '), map.replace(/\s+/g, ' '));
      t.match(run('--userns', 'container:peer', reference, 'cat', '/proc/self/uid_map').stdout.trim(), map);
    },
  );

  await t.test('the ids stay taken as long as anybody has them', async (t) => {
    const giver = await stage.start(['sleep', '607'], { name: 'giver' });
    const first = Number(readFileSync(`/proc/${giver.pid}/uid_map`, 'utf8').trim().split(/\s+/)[1]);
    const heir = await stage.start(['sleep', '601'], { userns: { container: 'giver' } });
    giver.signal(9);
    await giver.gone;
    const claimed = () => {
      const { ino } = statSync(path.join(hostClaims, 'ids'));
      const lines = readFileSync('/proc/locks', 'utf8').split('\n');
      // ID: OFDLCK ADVISORY WRITE PID MAJOR:MINOR:INODE START END (proc_locks(5))
      return lines.filter((line) => line.includes(`:${ino} `)).map((line) => line.trim().split(/\s+/).at(-2));
    };
    t.ok(claimed().includes(String((first - containerIds.first) / containerIds.size)));
    t.equal(Number(readFileSync(`/proc/${heir.pid}/uid_map`, 'utf8').trim().split(/\s+/)[1]), first);
    heir.signal(9);
    await heir.ended;
  });

  await t.test('what cannot be shared is refused in one line', async (t) => {
    const secret = await stage.start(['sleep', '602'], { name: 'secret' });
    const cases: [string[], RegExp][] = [
      [
        ['--ipc', 'container:secret'],
        /^berth: --ipc container:secret: its shared memory is its own\nStart that one/,
      ],
      [['--pid', 'container:gone'], /^berth: container gone: no container has that name or id\n/],
      [['--pid', 'container:peer', '--userns', 'container:secret'], /has other ids|with other ids/],
      [
        ['--pid', 'container:peer', '--userns', 'host'],
        /^berth: --pid container:peer: it has ids of its own/,
      ],
      [['--uts', 'host', '--hostname', 'x'], /^berth: --hostname: --uts host/],
      [['--uts', 'container:peer', '--hostname', 'x'], /^berth: --hostname: --uts container:peer shows/],
      [['--uts', 'host', '--domainname', 'x'], /^berth: --domainname: --uts host/],
      [['--ipc', 'host', '--shm-size', '1m'], /^berth: --shm-size: --ipc host/],
      [['-v', `${stage.folder}:/x:rshared`], /^berth: --volume: what is mounted/],
    ];
    for (const [flags, stderr] of cases)
      t.match(run(...flags, reference, 'true'), { status: 125, stdout: '', stderr }, flags.join(' '));
    secret.signal(9);
    await secret.ended;
    t.match(run('--pid', `container:${secret.id}`, reference, 'true'), { status: 125 });
  });

  await t.test('who shares the processes of a container ends with it', async (t) => {
    const host = await stage.start(['sleep', '603'], { name: 'host' });
    const guest = await stage.start(['sleep', '604'], { pid: { container: 'host' } });
    host.signal(9);
    await host.ended;
    t.match(await guest.ended, { status: 137 });
  });

  await t.test(
    '--pid host: the processes of the host, from other ids, and none of its own is left',
    async (t) => {
      const seen = lines(
        run(
          '--pid',
          'host',
          reference,
          'sh',
          '-c',
          `kill -0 ${process.pid} 2>&1; stat -c %u /proc/1; test -d /proc/${process.pid} && echo there`,
        ),
      );
      t.match(seen, [/Operation not permitted/, '65534', 'there']);
      for (const userns of ['auto', 'host']) {
        t.equal(
          run('--pid', 'host', '--userns', userns, reference, 'sh', '-c', 'sleep 6051 & sleep 6051 & exit 3')
            .status,
          3,
        );
        t.strictSame(running('sleep 6051'), [], userns);
      }
      const lost = await stage.start(['sh', '-c', 'sleep 6052 & sleep 6052 & exec sleep 6052'], {
        pid: 'host',
        name: 'lost',
        remove: false,
      });
      await poll(() => running('sleep 6052').length === 3);
      const state = JSON.parse(
        readFileSync(path.join(places.run(stage.roots, lost.id), 'state.json'), 'utf8'),
      ) as {
        supervisor: { pid: number };
      };
      process.kill(state.supervisor.pid, 'SIGKILL');
      t.match(await lost.ended, { status: 137, reason: 'supervisor lost' });
      t.ok(await poll(() => running('sleep 6052').length === 0), 'the supervisor was killed, and all go');
      t.equal(stage.berth('rm', 'lost').status, 0);
    },
  );

  await t.test('--uts of another container, and names on the network of the host', async (t) => {
    const shown = 'readlink /proc/self/ns/uts; hostname; echo $HOSTNAME';
    const named = await stage.start(['sleep', '1000'], { name: 'named', hostname: 'shown' });
    t.strictSame(lines(run('--uts', 'container:named', reference, 'sh', '-c', shown)), [
      readlinkSync(`/proc/${named.pid}/ns/uts`),
      'shown',
      'shown',
    ]);
    await stage.start(['sleep', '1000'], { name: 'hosts', uts: 'host' });
    t.strictSame(lines(run('--uts', 'container:hosts', reference, 'sh', '-c', shown)), [
      readlinkSync('/proc/self/ns/uts'),
      hostname(),
      hostname(),
    ]);
    const own = lines(run('--network', 'host', reference, 'sh', '-c', shown));
    t.strictSame(own.slice(1), [hostname(), hostname()]);
    t.not(own[0], readlinkSync('/proc/self/ns/uts'));
    t.equal(lines(run('--network', 'host', '-h', 'mine', reference, 'hostname'))[0], 'mine');
    t.equal(stage.berth('rm', '-f', 'named', 'hosts').status, 0);
  });

  await t.test('--ipc, --uts and --cgroupns of the host', async (t) => {
    const mark = `/dev/shm/${path.basename(stage.folder)}`;
    writeFileSync(mark, 'of the host\n');
    t.teardown(() => execFileSync('rm', ['-f', mark]));
    const seen = lines(
      run(
        '--ipc',
        'host',
        '--uts',
        'host',
        '--cgroupns',
        'host',
        reference,
        'sh',
        '-c',
        `cat ${mark}; hostname; echo $HOSTNAME; cat /proc/self/cgroup`,
      ),
    );
    t.strictSame(seen.slice(0, 3), ['of the host', hostname(), hostname()]);
    t.match(seen.slice(3).join('\n'), /\/berth-[0-9a-f]{8}\//);
    t.strictSame(lines(run('--ipc', 'none', reference, 'sh', '-c', 'test -e /dev/shm || echo none')), [
      'none',
    ]);
  });

  await t.test('rslave: what the host mounts later is seen inside, and not the other way', async (t) => {
    const folder = path.join(stage.folder, 'travel');
    mkdirSync(folder);
    execFileSync('mount', ['-t', 'tmpfs', 'berth-test', folder]);
    t.teardown(() => execFileSync('umount', ['-R', folder]));
    execFileSync('mount', ['--make-shared', folder]);
    mkdirSync(path.join(folder, 'later'));
    const volume = { source: folder, target: '/travel', readonly: false, recursive: true, idmap: false };
    const see = [
      'sh',
      '-c',
      'until test -e /travel/later/here; do sleep 0.05; done; echo seen >/travel/told; exec sleep 606',
    ];
    const slave = await stage.start(see, { volumes: [{ ...volume, propagation: 'slave' }], userns: 'host' });
    const apart = await stage.start(see, { volumes: [volume], userns: 'host' });
    execFileSync('mount', ['-t', 'tmpfs', 'berth-test', path.join(folder, 'later')]);
    writeFileSync(path.join(folder, 'later/here'), '');
    t.ok(await poll(() => existsSync(path.join(folder, 'told'))));
    t.match(readFileSync(`/proc/${slave.pid}/mountinfo`, 'utf8'), / \/travel\/later .* master:/);
    t.notMatch(readFileSync(`/proc/${apart.pid}/mountinfo`, 'utf8'), / \/travel\/later /);
    for (const each of [slave, apart]) {
      each.signal(9);
      await each.ended;
    }
  });

  peer.signal(9);
  await peer.ended;
});
