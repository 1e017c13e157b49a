import { spawnSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import t from 'tap';
import { findContainer } from '../../src/containerizer/container/catalogue.js';
import { removeContainer } from '../../src/containerizer/container/remove.js';
import { startContainer } from '../../src/containerizer/container/start.js';
import { waitForExit } from '../../src/containerizer/container/wait.js';
import { Stage, unlessRoot } from './stage.js';

const namespaceOf = (pid: number) => readlinkSync(`/proc/${pid}/ns/net`);

t.test('--network container:ID', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const { roots } = stage;
  const { reference } = stage.image;
  const run = (...words: string[]) => {
    const [file = '', ...rest] = stage.command('run', ['--rm', ...words]);
    return spawnSync(file, rest, { encoding: 'utf8' });
  };
  const serve = 'mkdir /w && echo served >/w/index.html && exec httpd -f -p 127.0.0.1:80 -h /w';
  const peer = await stage.start(['sh', '-c', serve], { name: 'peer', hostname: 'shown' });
  const fetched = 'until wget -qO- http://127.0.0.1/; do sleep 0.05; done';
  t.equal(
    run('--network', 'container:peer', reference, 'sh', '-c', `${fetched}; hostname`).stdout,
    'served\nshown\n',
  );

  const options = { network: { container: 'peer' }, remove: false, name: 'joiner' };
  const joiner = await stage.start(['sh', '-c', `${fetched}; exec sleep 1000`], options);
  t.equal(namespaceOf(joiner.pid), namespaceOf(peer.pid));
  const map = (pid: number) => readFileSync(`/proc/${pid}/uid_map`, 'utf8');
  t.equal(map(joiner.pid), map(peer.pid), 'its ids come along');
  const { document } = findContainer(roots, 'joiner');
  t.match(document, { network: `container:peer`, attachment: null, hostname: 'shown' });
  t.equal(
    run('--network', `container:${joiner.id}`, reference, 'sh', '-c', fetched).stdout,
    'served\n',
    'by way of one that shares it itself',
  );
  t.match(stage.berth('exec', 'joiner', 'wget', '-qO-', 'http://127.0.0.1/').stdout, 'served\n');

  const why = /leaves that to the container whose network it is/;
  for (const [flags, stderr] of [
    [['-p', '80'], why],
    [['-P'], why],
    [['--hostname', 'x'], why],
    [['--ip', '10.0.0.9'], why],
    [['--mac-address', '02:00:00:00:00:01'], why],
    [['--network-alias', 'x'], why],
    [['--dns', '192.0.2.1'], why],
    [['--add-host', 'a:192.0.2.1'], why],
    [
      ['--sysctl', 'net.ipv4.ip_forward=1'],
      /with --network it is a setting of the host or of another container/,
    ],
    [['--userns', 'host'], /it has ids of its own/],
  ] as const) {
    const refused = run('--network', 'container:peer', ...flags, reference, 'true');
    t.match(refused, { status: 125, stdout: '', stderr }, flags.join(' '));
  }
  t.match(stage.berth('create', '--network', 'container:peer', '-p', '80', reference), {
    status: 125,
    stderr: why,
  });
  t.match(run('--network', 'container:nobody', reference, 'true').stderr, /no container has that name or id/);
  t.match(run('--network', 'container:', reference, 'true').stderr, /It is container:ID/);

  // The peer ends first: the network stays as long as anybody is in it, and cannot be joined again.
  const joined = namespaceOf(joiner.pid);
  peer.signal(9);
  await peer.ended;
  await peer.gone;
  t.equal(namespaceOf(joiner.pid), joined);
  const alone = 'httpd -p 127.0.0.1:81 -h /bin && wget -qO /dev/null http://127.0.0.1:81/busybox && echo up';
  t.equal(stage.berth('exec', 'joiner', 'sh', '-c', alone).stdout, 'up\n');
  joiner.signal(9);
  await joiner.ended;
  await joiner.gone;
  t.match(stage.berth('start', 'joiner'), { status: 125, stderr: /no container has that name or id/ });
  const heir = await stage.start(['sh', '-c', serve], { name: 'peer' });
  const again = await startContainer(roots, findContainer(roots, 'joiner'), { client: null });
  t.equal(namespaceOf(again?.pid ?? 0), namespaceOf(heir.pid), 'nor without it, and with it again');
  for (const container of [again, heir]) {
    container?.signal(9);
    await container?.ended;
    await container?.gone;
  }
  await waitForExit(roots, findContainer(roots, 'joiner'));

  // On the network of the host there is nothing to join, and no ids to share.
  const open = await stage.start(['sleep', '1000'], { network: 'host', name: 'open' });
  const there = await stage.start(['sleep', '1000'], { network: { container: 'open' }, name: 'there' });
  t.equal(namespaceOf(there.pid), namespaceOf(process.pid));
  t.not(map(there.pid), map(open.pid));
  for (const container of [open, there]) {
    container.signal(9);
    await container.ended;
    await container.gone;
  }
  await removeContainer(roots, findContainer(roots, 'joiner'), { force: true });
});
