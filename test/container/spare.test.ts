import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, readdirSync, readlinkSync, renameSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { copyFiles } from '../../src/containerizer/container/copy.js';
import type { ContainerOptions } from '../../src/containerizer/container/options.js';
import { provideImage } from '../../src/containerizer/image/provide.js';
import { prune } from '../../src/containerizer/reclaim/prune.js';
import { places } from '../../src/state/roots.js';
import { Stage, unlessRoot } from './stage.js';

// Not a question of how slow a machine is. Read when the first container is launched.
process.env.BERTH_SPARE = '3600';

const overlayMagic = 0x794c7630; // statfs(2)

/** Overlays that this process holds for containers to come: no mount shows them, its descriptors do. */
function held(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      // A guest's own files may lie on one too.
      const place = `/proc/self/fd/${fd}`;
      return readlinkSync(place) === '/' && statfsSync(place).type === overlayMagic;
    } catch {
      return false; // a socket, or the descriptor that this list was read by
    }
  }).length;
}

const folders = ({ roots }: Stage) => {
  try {
    return readdirSync(path.join(roots.root, 'cache', 'spare'));
  } catch {
    return [];
  }
};

t.test('what a container that wrote nothing leaves to the next', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const look = 'stat -c "%d" /; ls -A / | sort | tr "\\n" " "; stat -c "%a %u" / /tmp';
  const first = await stage.sh(look);
  t.equal(held(), 1, 'its root file system, mounted');
  t.equal(folders(stage).length, 1);
  t.equal(await stage.sh(look), first, 'the next one has the very same');
  t.equal(held(), 1);

  await stage.sh('echo secret >/written');
  t.equal(held(), 0, 'not if something was written');
  t.same(folders(stage), []);
  await stage.sh('true');
  t.notMatch(await stage.sh('ls /'), 'written');

  for (const [what, script] of [
    ['another mode of /', 'chmod 700 /'],
    ['a file deleted', 'rm /bin/true'],
    ['an attribute changed', 'touch -d 1990-01-01 /bin/sh'],
  ] as const) {
    await stage.sh(script);
    t.equal(held(), 0, what);
  }
});

t.test('the next finds nothing else of it either', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const look = [
    'ls -A / /dev /dev/shm /dev/mqueue /tmp /run /sys/class/net /proc/sys/net/ipv4/conf',
    'cat /proc/net/unix /proc/net/netlink | wc -l; cat /proc/sysvipc/msg /proc/sys/net/ipv4/ip_forward',
    'cat /proc/sys/kernel/hostname /proc/sys/kernel/domainname /proc/sys/kernel/msgmax',
    'mount | sort; ulimit -a; umask',
  ].join('; ');
  const same = { hostname: 'same' };
  const first = await stage.sh(look, same);
  const before = held();
  const mess = [
    'echo x >/dev/shm/x; echo x >/dev/mqueue/x; mknod /dev/fifo p; ln -s / /dev/link',
    'hostname other; busybox ip link add left type dummy; busybox ip addr add 10.9.8.7/32 dev lo',
    'mount -t tmpfs none /dev/shm; mkdir /dev/mqueue/y; umask 0; true',
  ].join('; ');
  const options = {
    capAdd: ['NET_ADMIN', 'SYS_ADMIN'],
    sysctls: { 'net.ipv4.ip_forward': '1', 'kernel.msgmax': '4096' },
  };
  await stage.sh(`{ ${mess}; } 2>/dev/null`, options);
  t.equal(held(), before, 'it wrote to its own mounts alone: what it leaves is handed on');
  t.equal(await stage.sh(look, same), first);
});

t.test('what is read-only for the one is not yet for what the next is built of', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const none = 'touch /x || echo none';
  t.match(await stage.sh(none, { readOnly: true }), /none$/);
  const before = held();
  const next = {
    readOnly: true,
    workingDirectory: '/made/for/it',
    tmpfs: [{ target: '/room', options: [] }],
  };
  t.match(
    await stage.sh(`pwd; touch /room/x && ls /room; ${none}`, next),
    /^\/made\/for\/it\nx\n(.*\n)?none$/,
  );
  t.equal(held(), before - 1, 'it was built of what the first left');
});

t.test('nothing is left where somebody else may have got hold of the files', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const leaves = async (what: string, options: Partial<ContainerOptions>) => {
    await stage.run(['true']);
    t.equal(folders(stage).length, 1);
    await stage.run(['true'], options);
    t.same(folders(stage), [], what);
  };
  const shared = { source: stage.folder, target: '/v', readonly: false, recursive: false, idmap: false };
  await leaves('a socket of a volume', { volumes: [shared] });
  await leaves('sockets of the host', { network: 'host' });
  await leaves('processes of the host', { pid: 'host' });
  const device = { source: '/dev/fuse', target: '/dev/fuse', access: 'rw' };
  await leaves('a device of the host', { devices: [device] });

  const peer = await stage.start(['sleep', '1000'], { name: 'peer' });
  await stage.run(['true'], { network: { container: 'peer' } });
  peer.signal(9);
  await peer.ended;
  t.same(folders(stage), [], 'a container that shared its network');

  const copied = await stage.start(['sleep', '1000']);
  const to = { kind: 'host' as const, path: path.join(stage.folder, 'passwd') };
  await copyFiles(stage.roots, { kind: 'container', container: copied.id, path: '/etc/passwd' }, to, {
    archive: false,
    followLink: false,
    onProgress: () => {},
  });
  copied.signal(9);
  await copied.ended;
  t.same(folders(stage), [], 'a copy');
});

t.test('a spare of layers that are no more is none', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  await stage.sh('true');
  t.equal(folders(stage).length, 1);
  for (const layer of stage.image.layers) {
    cpSync(layer, `${layer}-again`, { recursive: true, verbatimSymlinks: true });
    rmSync(layer, { recursive: true });
    renameSync(`${layer}-again`, layer);
  }
  // What the first has looked at is remembered: this it has not.
  t.match(await stage.sh('ls -A /etc'), 'passwd');
  for (const folder of folders(stage))
    rmSync(path.join(stage.roots.root, 'cache', 'spare', folder), { recursive: true });
  t.equal(await stage.sh('ls bin/sh'), 'bin/sh', 'nor is one whose directories have gone');
});

t.test('what is pruned is whole or gone for a launch', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  await stage.sh('true');
  const [id = ''] = folders(stage);
  const { trash } = places;
  // As if somebody looked in the middle of its removal: one part of it cannot go.
  execFileSync('mount', ['-t', 'tmpfs', 'none', path.join(places.cache(stage.roots), 'spare', id, 'work')]);
  const all = { all: true, volumes: false, onLeft: () => {} };
  try {
    await t.rejects(prune(stage.roots, all), { code: 'EBUSY' });
    t.same(folders(stage), []);
  } finally {
    for (const name of readdirSync(trash(stage.roots)))
      execFileSync('umount', [path.join(trash(stage.roots), name, 'work')]);
  }
  await prune(stage.roots, all);
  t.same(readdirSync(trash(stage.roots)), []);
});

t.test('a folder that is an image may change from one container to the next', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const tree = path.join(stage.folder, 'tree');
  cpSync(stage.image.layers[0] ?? '', tree, { recursive: true, verbatimSymlinks: true });
  const put = (name: string, content: string) => {
    writeFileSync(path.join(tree, `${name}.new`), content);
    renameSync(path.join(tree, `${name}.new`), path.join(tree, name));
  };
  put('etc/setting', 'before\n');
  const image = await provideImage(stage.roots, `dir:${tree}`);
  const look = 'cat /etc/setting; ls /etc/later';
  t.match(await stage.sh(look, {}, image), /^before\nls: .*No such/);
  put('etc/setting', 'after\n');
  put('etc/later', '');
  t.equal(await stage.sh(look, {}, image), 'after\n/etc/later');
});

t.test('BERTH_SPARE=0: none', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const url = (file: string) => new URL(file, import.meta.url).href;
  const script = `
    import { readdirSync, readlinkSync, statfsSync } from 'node:fs';
    import { launchContainer } from '${url('../../src/containerizer/container/launch.js')}';
    import { defaultOptions } from '${url('../../src/containerizer/container/options.js')}';
    import { provideImage } from '${url('../../src/containerizer/image/provide.js')}';
    const roots = ${JSON.stringify(stage.roots)};
    const image = await provideImage(roots, ${JSON.stringify(stage.image.reference)});
    const options = { ...defaultOptions, command: ['true'], remove: true };
    const container = await launchContainer(roots, { image, options, client: null });
    await container.ended;
    const types = readdirSync('/proc/self/fd').map((fd) => '/proc/self/fd/' + fd).map((fd) => {
      try { return readlinkSync(fd) === '/' ? statfsSync(fd).type : 0; } catch { return 0; }
    });
    console.log(types.filter((type) => type === ${overlayMagic}).length);`;
  const run = (value: string) =>
    spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '', BERTH_SPARE: value },
    });
  t.match(run('60'), { stdout: /^1\n$/, stderr: '' });
  t.match(run('0'), { stdout: /^0\n$/, stderr: '' });
});
